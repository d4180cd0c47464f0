"""The environment of the local stack: its tools on PATH, a state backend and a passphrase of its own.

`python -m lab.environment` prints it for a shell; with a command it runs the command in it.
"""

import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
LOCAL = CHECKOUT / ".state"
BIN = LOCAL / "bin"
PASSPHRASE = LOCAL / "passphrase"
STAND_INS = CHECKOUT / "lab/plugins/bin"
_FUNCTION = """pulumi() (
    TMPDIR=$(mktemp -d) && export TMPDIR || exit
    trap 'rm -rf "$TMPDIR"' EXIT
    command pulumi "$@"
)"""
"""What `run` does, for a shell."""


def plugins() -> Path | None:
    """Return the folder of plugins that PLUGINS names, None if it names none. Exits if there is no plugin in it."""
    if not (named := os.environ.get("PLUGINS")):
        return None
    folder = Path(named).resolve()
    if not any(os.access(file, os.X_OK) for file in folder.glob("pulumi-resource-*")):
        sys.exit(f"PLUGINS={named}: must be a folder with programs pulumi-resource-*, and {folder} has none")
    return folder


def environment() -> dict[str, str]:
    """Return the variables that make `pulumi` use the local stack's own backend and passphrase, made at first use."""
    LOCAL.mkdir(mode=0o700, exist_ok=True)
    LOCAL.chmod(0o700)  # it holds the state and the passphrase that opens it
    backend = LOCAL / "pulumi"
    backend.mkdir(exist_ok=True)
    if not PASSPHRASE.exists():
        with os.fdopen(os.open(PASSPHRASE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
    variables = {
        "PATH": f"{_first_on_path()}:{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": backend.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(PASSPHRASE),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Pulumi writes the whole state at each resource that changes; a tenth of it, compressed. It reads both kinds.
        "PULUMI_DIY_BACKEND_GZIP": "true",
        # Go's garbage collector, left to itself, takes a quarter of the time of pulumi and helm, to save little memory.
        "GOGC": "400",
        # A run starts half a dozen Python processes. Where Python may write no bytecode, as in many container images,
        # each of them compiles all that it imports: 2 of the 7 s of a no-op.
        "PYTHONDONTWRITEBYTECODE": "",
        # pulumi asks pip for the program's packages; pip would ask its index for a newer pip.
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    if any((BIN / stand_in.name).exists() for stand_in in STAND_INS.iterdir()):
        # Setup has seen that plugins cannot be downloaded here: not even try at each run, for seconds, as pulumi would
        # for every package that is installed, whether the stack uses it or not.
        variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    return variables


def _first_on_path() -> str:
    return ":".join(str(folder) for folder in (plugins(), BIN) if folder)


def run(command: list[str]) -> int:
    """Run a command with a temporary folder of its own and return its exit code, 128 and more if a signal ended it.

    The official plugins write kubeconfigs to the temporary folder and leave them there.
    """
    with tempfile.TemporaryDirectory(prefix="multimesh-") as folder:
        process = subprocess.Popen(command, env={**os.environ, "TMPDIR": folder})
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the command as well
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda received, _: process.send_signal(received))
        code = process.wait()
    return code if code >= 0 else 128 - code


def main(command: list[str]) -> None:
    """Run the command in the local stack's environment; without one, print the environment for a shell."""
    if not command:
        for name, value in environment().items():
            text = f'"{_first_on_path()}:$PATH"' if name == "PATH" else shlex.quote(value)
            print(f"export {name}={text}")
        print(_FUNCTION)
        return
    os.environ.update(environment())
    os.environ.pop("PULUMI_CONFIG_PASSPHRASE", None)  # it would win over the file
    if command[0] == "pulumi":
        sys.exit(run(command))
    os.execvp(command[0], command)  # noqa: S606 - the command is the caller's


if __name__ == "__main__":
    main(sys.argv[1:])
