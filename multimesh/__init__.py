"""The command line `multimesh`, and `multimesh.contract`: the stack outputs as other programs may read them."""
