"""Text from outside, as a terminal may show it."""


def printable(text: str) -> str:
    """Return one line without anything that a terminal acts on: control and format characters as Python writes them.

    Whoever answers a request may send escape sequences, line ends or marks that turn the direction of writing.
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
