"""The local stack's environment, and the build of the toolchain."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from lab import environment, paths, setup, toolchain
from lab.progress import Progress


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(environment, "LOCAL", tmp_path / ".state")
    monkeypatch.setattr(environment, "PASSPHRASE", tmp_path / ".state/passphrase")
    return tmp_path


def test_the_passphrase_is_made_once_for_its_owner_alone(checkout: Path) -> None:
    environment.environment()
    first = (checkout / ".state/passphrase").read_text()
    environment.environment()
    assert (checkout / ".state/passphrase").read_text() == first
    assert stat.S_IMODE((checkout / ".state/passphrase").stat().st_mode) == 0o600
    assert len(first) >= 32


def test_the_state_is_for_its_owner_alone_also_where_it_was_not_before(checkout: Path) -> None:
    (checkout / ".state").mkdir(mode=0o755)
    environment.environment()
    assert stat.S_IMODE((checkout / ".state").stat().st_mode) == 0o700


def test_what_setup_builds_can_be_read_by_the_users_of_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(**_: object) -> None:
        raise toolchain.ToolchainError(f"{os.umask(0o077):o}")

    monkeypatch.setattr(toolchain, "build", build)
    strict = os.umask(0o077)
    try:
        with pytest.raises(toolchain.ToolchainError, match=r"^22$"):
            setup.main()
    finally:
        os.umask(strict)


def test_the_state_is_kept_in_the_checkout(checkout: Path) -> None:
    assert environment.environment()["PULUMI_BACKEND_URL"] == (checkout / ".state/pulumi").as_uri()


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("plugin", "attempts"), [("pulumi-resource-tls", False), ("pulumi-resource-pulumi-python", True)]
)
def test_downloads_of_plugins_are_attempted_unless_setup_has_found_that_they_fail(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, plugin: str, *, attempts: bool
) -> None:
    (tmp_path / plugin).touch()
    monkeypatch.setattr(environment, "BIN", tmp_path)
    assert ("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in environment.environment()) is attempts


@pytest.mark.usefixtures("checkout")
def test_plugins_of_ones_own_go_before_the_stand_ins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plugin = tmp_path / "pulumi-resource-kubernetes"
    plugin.touch(0o755)
    monkeypatch.setenv("PLUGINS", str(tmp_path))

    path = environment.environment()["PATH"]
    assert path.startswith(f"{tmp_path}:{environment.BIN}:")
    assert shutil.which(plugin.name, path=path) == str(plugin)


@pytest.mark.usefixtures("checkout")
def test_a_folder_without_plugins_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLUGINS", str(tmp_path))

    with pytest.raises(SystemExit, match="must be a folder with programs pulumi-resource-"):
        environment.environment()


@pytest.mark.usefixtures("checkout")
def test_the_printed_exports_keep_the_path_that_the_shell_has(capsys: pytest.CaptureFixture[str]) -> None:
    environment.main([])
    script = capsys.readouterr().out + "echo $PATH"
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env={"PATH": "/bin"})
    assert said.stdout.strip() == f"{environment.BIN}:/bin"


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_what_a_plugin_leaves_is_removed_in_a_shell_with_the_printed_environment(
    shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    environment.main([])
    program = tmp_path / "pulumi"
    program.write_text('#!/bin/sh\nmktemp -p "$TMPDIR"\necho "$@"\nexit 7\n')
    program.chmod(0o755)
    script = capsys.readouterr().out + f"PATH={tmp_path}:/usr/bin:/bin\npulumi up 'a  stack'; echo $? ${{TMPDIR-unset}}"

    said = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=True, env={})

    left, *lines = said.stdout.splitlines()
    assert lines == ["up a  stack", "7 unset"]
    assert Path(left).name.startswith("tmp.")
    assert not Path(left).parent.exists()


def test_a_command_gets_the_passphrase_file_even_if_the_user_has_a_passphrase_of_their_own() -> None:
    code = "import os; print(os.environ.get('PULUMI_CONFIG_PASSPHRASE'), os.environ['PULUMI_CONFIG_PASSPHRASE_FILE'])"
    said = subprocess.run(
        [sys.executable, "-m", "lab.environment", sys.executable, "-c", code],
        cwd=environment.CHECKOUT,
        env=os.environ | {"PULUMI_CONFIG_PASSPHRASE": "mine"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["None", str(environment.PASSPHRASE)]


def running(code: str) -> "subprocess.Popen[str]":
    """Run Python code as the local stack runs pulumi."""
    run = f"import sys; from lab import environment; sys.exit(environment.run([sys.executable, '-c', {code!r}]))"
    return subprocess.Popen([sys.executable, "-c", run], cwd=environment.CHECKOUT, stdout=subprocess.PIPE, text=True)


def test_what_a_plugin_leaves_in_the_temporary_folder_is_removed() -> None:
    with running("import tempfile; print(tempfile.mkstemp()[1]); raise SystemExit(7)") as process:
        left = Path(process.communicate()[0].strip())
    assert process.returncode == 7
    assert left.parent.name.startswith("multimesh-")
    assert not left.parent.exists()


def test_a_command_that_is_told_to_end_ends_and_leaves_nothing() -> None:
    with running("import tempfile, time; print(tempfile.mkstemp()[1], flush=True); time.sleep(60)") as process:
        assert process.stdout
        left = Path(process.stdout.readline().strip())
        process.terminate()
    assert process.returncode == 128 + signal.SIGTERM
    assert not left.parent.exists()


@pytest.fixture
def small_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> toolchain.Build:
    """A Go module of one program, built into a folder of the test's own."""
    monkeypatch.setattr(toolchain, "TOOLS", tmp_path / "tools")
    module = tmp_path / "module"
    (module / "hello").mkdir(parents=True)
    (module / "go.mod").write_text("module multimesh/test\n\ngo 1.26\n")
    (module / "hello/main.go").write_text('package main\n\nvar who = "?"\n\nfunc main() { println(who) }\n')
    return toolchain.Build("hello", module, ("./hello",), (("main.who", "world"),))


@pytest.mark.needs("go")
def test_a_build_leaves_the_stamped_program_and_says_how_long_it_took(
    small_build: toolchain.Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toolchain._build(small_build)
    said = subprocess.run([tmp_path / "tools/hello"], capture_output=True, text=True, check=True)
    assert said.stderr == "world\n"
    assert "✓ hello: built in" in capsys.readouterr().out


@pytest.mark.needs("go")
def test_a_build_that_fails_says_what_the_compiler_said(small_build: toolchain.Build) -> None:
    (small_build.module / "hello/main.go").write_text("package main\n\nfunc main() { wrong() }\n")
    with pytest.raises(toolchain.ToolchainError, match=r"hello: go build failed in .*\n[\s\S]*undefined: wrong"):
        toolchain._build(small_build)


def test_the_digest_changes_with_the_content_and_with_the_name(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("x")
    second.write_text("x")
    assert paths.digest(first) != paths.digest(second)
    before = paths.digest(first)
    first.write_text("y")
    assert paths.digest(first) != before


def test_progress_in_a_log_says_how_far_it_is_and_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([0.0, 1.0, 20.0])
    monkeypatch.setattr("lab.progress.time.monotonic", lambda: next(now))
    with Progress("build", total=4, unit="packages") as progress:
        progress.advance("quick")
        progress.advance("slow")
    assert capsys.readouterr().out.splitlines() == ["• build: 4 packages", "  2/4 packages, about 20 s left: slow"]


def test_an_official_plugin_installed_later_takes_the_place_of_its_stand_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(setup, "BIN", tmp_path)
    monkeypatch.setattr(setup, "PULUMI_HOME", tmp_path)
    stand_in = tmp_path / "pulumi-resource-tls"
    stand_in.symlink_to("/anywhere")
    (tmp_path / f"plugins/resource-tls-v{version('pulumi-tls')}").mkdir(parents=True)
    setup._plugin("tls")
    assert not stand_in.is_symlink()
