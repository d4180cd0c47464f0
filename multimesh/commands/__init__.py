"""The commands of `multimesh`, a file each.

What a command needs is imported when it runs: the Kubernetes client alone takes seconds, and `--help` needs none of it.
"""
