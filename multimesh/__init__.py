"""The command line of the project: `python -m multimesh`."""
