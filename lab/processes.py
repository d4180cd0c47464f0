"""Processes, each identified by its pid and its start, so that no other process is ever killed."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# In the background shell, so that the program is in its cgroup before its first instruction and is nobody's zombie.
_START = 'umask 022; { echo 0 >"$1" && shift && exec "$@"; } </dev/null >>"$0" 2>&1 & echo $!'

_LINES = 5  # of an error message

UMASK = 0o022
"""Of whatever the lab makes: containers run as users of their own, who must read it. Keys have modes of their own."""


class CommandError(Exception):
    """A command ended with an error or did not end in time."""


@dataclass(frozen=True)
class Process:
    """A process: its pid and its start, in clock ticks since boot (field 22 of /proc/PID/stat)."""

    pid: int
    started: int

    @classmethod
    def find(cls, pid: int) -> "Process | None":
        """Return the process that has this pid now, None if there is none or only its exit status is left.

        While threads of its own still end, it is there, however dead its first one is: they hold its files open.
        """
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, *fields = stat.rpartition(")")[2].split()
        threads, started = int(fields[16]), int(fields[18])
        return None if state in "ZX" and threads <= 1 else cls(pid, started)

    @classmethod
    def read(cls, record: Path) -> "Process | None":
        """Return the process that write() noted in a file, whether it lives or not; None without a readable note."""
        try:
            pid, started = record.read_text().split()
            return cls(int(pid), int(started))
        except (FileNotFoundError, ValueError):
            return None

    def write(self, record: Path) -> None:
        """Note pid and start in a file."""
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(f"{self.pid} {self.started}\n")

    @property
    def alive(self) -> bool:
        """Whether this very process runs, not another one that was given its pid."""
        return Process.find(self.pid) == self

    def kill(self) -> None:
        """Kill this very process; do nothing if it has ended."""
        kill(self.pid, lambda: self.alive)


def kill(pid: int, is_ours: Callable[[], bool]) -> None:
    """Send SIGKILL to a pid if `is_ours` still holds while the pid cannot be given to another process."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            if is_ours():
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)


def start(command: list[str], log: Path, cgroup: Path, path: str) -> Process:
    """Start a program that outlives this one.

    `log` takes its output, appended; `cgroup` is the folder of the control group that it is born in; `path` is the PATH
    it sees, its only environment variable.
    """
    shell = ["sh", "-c", _START, str(log), str(cgroup / "cgroup.procs"), *command]
    done = subprocess.run(
        shell,
        env={"PATH": path},
        cwd="/",
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    pid = int(done.stdout)
    return Process.find(pid) or Process(pid, 0)  # one that ended at once is known by no start


def _brief(said: str) -> str:
    """Return the first lines of what a command said: on a full disk, cp has one for each of thousands of files."""
    lines = said.splitlines()
    more = len(lines) - _LINES
    return "\n".join([*lines[:_LINES], f"... and {more} lines more"]) if more > 0 else said


def run(*command: str, stdin: str = "") -> str:
    """Run a short command (5 minutes at most) and return its output; raise CommandError with what it said."""
    try:
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, check=True, timeout=300, umask=UMASK
        ).stdout
    except subprocess.CalledProcessError as error:
        raise CommandError(f"{' '.join(command)}: {_brief(error.stderr.strip() or error.stdout.strip())}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"{' '.join(command)}: {error}") from error
