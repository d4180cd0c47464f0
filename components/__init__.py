"""The components of the program."""
