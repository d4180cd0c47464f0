"""How long the program takes, next to a shell script that does the same by hand."""
