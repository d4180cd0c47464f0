"""The bytes that Pulumi writes to a state backend in a folder, as the kernel tells of them."""

import ctypes
import os
import select
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CLOSE_WRITE, _MOVED_TO = 0x8, 0x80
_EVENT = struct.Struct("iIII")
_BUFFER_BYTES = 1 << 20
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass
class Written:
    """How many files were written, and how long they were."""

    files: int = 0
    bytes: int = 0


@contextmanager
def written(backend: Path) -> Iterator[Written]:
    """Count what is written to the backend while the context is open; its folders must be there before."""
    found = Written()
    descriptor = _LIBC.inotify_init1(os.O_CLOEXEC)
    folders = dict[int, Path]()
    for folder in [backend, *(path for path in backend.rglob("*") if path.is_dir())]:
        number = _LIBC.inotify_add_watch(descriptor, os.fsencode(folder), _CLOSE_WRITE | _MOVED_TO)
        folders[number] = folder
    if descriptor < 0 or -1 in folders:
        raise OSError(ctypes.get_errno(), "the kernel does not watch the backend's folders")
    end, begin = os.pipe()
    reader = threading.Thread(target=_count, args=(descriptor, end, folders, found))
    reader.start()
    try:
        yield found
    finally:
        os.close(begin)
        reader.join()
        os.close(end)
        os.close(descriptor)


def _count(descriptor: int, end: int, folders: dict[int, Path], found: Written) -> None:
    while True:
        ready, _, _ = select.select([descriptor, end], [], [])
        if descriptor not in ready:
            return
        events, at = os.read(descriptor, _BUFFER_BYTES), 0
        while at < len(events):
            number, _, _, length = _EVENT.unpack_from(events, at)
            name = events[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0")
            at += _EVENT.size + length
            try:
                size = (folders[number] / os.fsdecode(name)).stat().st_size
            except FileNotFoundError:  # it was renamed, which is an event of its own
                continue
            found.files, found.bytes = found.files + 1, found.bytes + size
