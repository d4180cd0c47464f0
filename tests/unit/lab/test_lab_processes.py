"""Only what the lab started is ever ended."""

import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from recording import CHECKOUT

from lab import processes
from lab.processes import CommandError, Process

SYS_EXIT = {"x86_64": 60, "aarch64": 93}  # of one thread; the C library knows that of all


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as child:
        yield child
        child.kill()


def _find(child: subprocess.Popen[bytes]) -> Process:
    found = Process.find(child.pid)
    assert found, "the child runs"
    return found


def test_a_running_process_is_alive(sleeper: subprocess.Popen[bytes]) -> None:
    assert _find(sleeper).alive


def test_a_killed_process_is_ended_by_sigkill(sleeper: subprocess.Popen[bytes]) -> None:
    _find(sleeper).kill()
    assert sleeper.wait(timeout=10) == -signal.SIGKILL


def test_a_process_that_got_a_recorded_pid_later_is_not_alive(sleeper: subprocess.Popen[bytes]) -> None:
    assert not Process(sleeper.pid, _find(sleeper).started - 1).alive


def test_a_process_that_got_a_recorded_pid_later_is_not_ended(sleeper: subprocess.Popen[bytes]) -> None:
    Process(sleeper.pid, _find(sleeper).started - 1).kill()
    with pytest.raises(subprocess.TimeoutExpired):
        sleeper.wait(timeout=0.2)


def test_killing_what_is_gone_is_no_error(sleeper: subprocess.Popen[bytes]) -> None:
    process = _find(sleeper)
    sleeper.kill()
    sleeper.wait()
    process.kill()


def test_a_zombie_is_not_alive(sleeper: subprocess.Popen[bytes]) -> None:
    process = _find(sleeper)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet reaped
    assert not process.alive


def test_a_process_whose_first_thread_alone_has_ended_is_alive() -> None:
    end_this_thread = "import ctypes, threading, time\n"
    end_this_thread += "threading.Thread(target=time.sleep, args=(60,)).start()\n"
    end_this_thread += f"ctypes.CDLL(None).syscall({SYS_EXIT[platform.machine()]}, 0)"
    with subprocess.Popen([sys.executable, "-c", end_this_thread]) as child:
        stat = Path(f"/proc/{child.pid}/stat")
        deadline = time.monotonic() + 10
        while ") Z " not in stat.read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert ") Z " in stat.read_text()
        assert Process.find(child.pid)
        child.kill()


def test_a_name_with_spaces_and_brackets_does_not_hide_the_start(tmp_path: Path) -> None:
    program = tmp_path / "a) S 1 ("
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "60"]) as child:
        ticks = os.sysconf("SC_CLK_TCK")
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        age = uptime - _find(child).started / ticks
        child.kill()
    assert -0.1 < age < 10


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    Process(12, 34).write(tmp_path / "records" / "etcd")
    assert Process.read(tmp_path / "records" / "etcd") == Process(12, 34)


@pytest.mark.parametrize("text", ["", "12", "12 34 56", "twelve 34"])
def test_a_damaged_record_is_none(tmp_path: Path, text: str) -> None:
    record = tmp_path / "etcd"
    record.write_text(text)
    assert Process.read(record) is None


def test_no_record_is_none(tmp_path: Path) -> None:
    assert Process.read(tmp_path / "etcd") is None


def _start(tmp_path: Path, script: str) -> Process:
    return processes.start(["sh", "-c", script], tmp_path / "log", cgroup=tmp_path, path="/usr/bin:/bin")


def _await_end(process: Process) -> None:
    deadline = time.monotonic() + 10
    while process.alive:
        assert time.monotonic() < deadline, "the program ends"
        time.sleep(0.01)


def test_a_program_is_known_by_the_pid_that_it_sees_itself(tmp_path: Path) -> None:
    process = _start(tmp_path, "echo $$")
    _await_end(process)
    assert (tmp_path / "log").read_text() == f"{process.pid}\n"


def test_a_program_is_started_in_its_control_group(tmp_path: Path) -> None:
    _await_end(_start(tmp_path, "true"))
    assert (tmp_path / "cgroup.procs").read_text() == "0\n", "0 stands for who writes it"


def test_a_program_sees_no_variable_of_its_starter_but_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "secret")
    _await_end(_start(tmp_path, "env"))
    names = {line.partition("=")[0] for line in (tmp_path / "log").read_text().splitlines()}
    assert names <= {"PATH", "PWD", "OLDPWD", "SHLVL", "_"}


def test_a_program_outlives_its_starter(tmp_path: Path) -> None:
    starter = """if True:
        import sys
        from pathlib import Path
        from lab import processes
        folder = Path(sys.argv[1])
        print(processes.start(["sleep", "60"], folder / "log", cgroup=folder, path="/usr/bin:/bin").pid)
    """
    command = [sys.executable, "-c", starter, tmp_path]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    process = Process.find(int(done.stdout))
    assert process, "it runs on"
    process.kill()


def test_output_of_a_second_start_is_appended(tmp_path: Path) -> None:
    for word in ("one", "two"):
        _await_end(_start(tmp_path, f"echo {word}"))
    assert (tmp_path / "log").read_text() == "one\ntwo\n"


def test_a_program_that_ended_at_once_is_not_alive(tmp_path: Path) -> None:
    process = processes.start(["/nonexistent"], tmp_path / "log", cgroup=tmp_path, path="/usr/bin:/bin")
    _await_end(process)
    assert "nonexistent" in (tmp_path / "log").read_text()


def test_a_failed_command_says_what_it_said() -> None:
    with pytest.raises(CommandError, match="sh -c echo no >&2; exit 3: no"):
        processes.run("sh", "-c", "echo no >&2; exit 3")


def test_a_failed_command_that_said_much_is_quoted_in_a_few_lines() -> None:
    with pytest.raises(CommandError) as failed:
        processes.run("sh", "-c", "seq 1000 >&2; false")
    assert str(failed.value).splitlines()[1:] == ["2", "3", "4", "5", "... and 995 lines more"]


def test_a_missing_command_is_named() -> None:
    with pytest.raises(CommandError, match="/nonexistent"):
        processes.run("/nonexistent")


def test_what_the_lab_starts_makes_files_that_containers_users_can_read(
    tmp_path: Path,
) -> None:
    strict = os.umask(0o077)
    try:
        assert processes.run("sh", "-c", "umask").strip() in ("0022", "022")
        log, cgroup = tmp_path / "log", tmp_path / "cgroup"
        cgroup.mkdir()
        processes.start(["sh", "-c", "umask; echo done"], log=log, cgroup=cgroup, path=os.environ["PATH"])
        deadline = time.monotonic() + 10
        while not (log.exists() and "done" in log.read_text()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert log.read_text().splitlines()[0] in ("0022", "022")
    finally:
        os.umask(strict)
