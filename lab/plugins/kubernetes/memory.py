"""Files that exist in memory only, so that a plugin that is killed leaves no key on disk."""

import os
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def memory_file(content: str) -> Generator[int]:
    """Give the descriptor of a file with this content; this process and its children open it as path(descriptor)."""
    descriptor = os.memfd_create("multimesh", 0)
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, content.encode())
        yield descriptor
    finally:
        os.close(descriptor)


def path(descriptor: int) -> str:
    """Return the path at which the process that holds the descriptor opens the file."""
    return f"/proc/self/fd/{descriptor}"
