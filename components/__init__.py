"""The components that the program is made of."""
