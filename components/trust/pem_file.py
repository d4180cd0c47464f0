"""Reading a PEM file that the user names."""

import os
import stat
from pathlib import Path


class PemFileError(ValueError):
    """A file that the user names cannot be used; the message says why."""


def read(path: str) -> bytes:
    """Return the bytes of a text file. Raise PemFileError if there is none at this path."""
    if "\n" in path:
        raise PemFileError("certificate and key must each be the path of a PEM file, not its content")
    try:
        content = Path(path).expanduser().read_bytes()
        content.decode()
    except UnicodeDecodeError:
        raise PemFileError(f"{path} is not a text file (UTF-8)") from None
    except (RuntimeError, ValueError) as error:  # `~` of nobody, a null character
        raise PemFileError(f"{path}: {error}") from None
    except OSError as error:
        raise PemFileError(f"{path}: {error.strerror}") from None
    return content


def check_private(path: str) -> None:
    """Raise PemFileError if accounts besides the owner's may read the file, where files have such permissions."""
    mode = stat.S_IMODE(Path(path).expanduser().stat().st_mode)
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise PemFileError(f"{path} may be read by others (mode {mode:04o}): run `chmod 600 {path}`")
