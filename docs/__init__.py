"""The documents, and what draws the picture of the code."""
