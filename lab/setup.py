"""Build and install what `pulumi up` of the local stack needs besides Python packages; skip what exists."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from lab import images, toolchain
from lab.containerd_template import TemplateError
from lab.environment import BIN, CHECKOUT, STAND_INS, environment, plugins
from lab.paths import TOOLS
from lab.processes import UMASK

PLUGINS = ("kubernetes", "tls")
PLUGIN_TIMEOUT = 120  # seconds; where nothing can be downloaded the refusal comes at once
PULUMI_HOME = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")


def main() -> None:
    """Build what is missing and prepare the checkout, on a machine that passed preflight and has debian's packages."""
    os.umask(UMASK)
    with_pulumi = not _elsewhere("pulumi")
    toolchain.build(with_pulumi=with_pulumi)
    images.build()
    BIN.mkdir(parents=True, exist_ok=True)
    if with_pulumi:
        for program in (
            *toolchain.PULUMI.programs,
            *toolchain.PULUMI_PYTHON.programs,
            *(Path(script).name for script in toolchain.PULUMI_SCRIPTS),
        ):
            _link(program, TOOLS / program)
    for program in ("helm", "kubectl"):
        if not _elsewhere(program):
            _link(program, TOOLS / program)
    _link("multimesh", CHECKOUT / ".venv/bin/multimesh")
    for plugin in PLUGINS:
        _plugin(plugin)
    _stack()
    print(
        "\nReady. For plain pulumi and multimesh on the local stack, and helm and kubectl with a kubeconfig of it "
        '(README.md, "Use it"), in this shell:\n'
        '    eval "$(make env)"\n'
        "For any other stack, with the backend and secrets provider of your choice:\n"
        f'    export PATH="{BIN}:$PATH"',
        flush=True,
    )


def _elsewhere(program: str) -> str | None:
    """Return where the machine has the program, other than in this checkout."""
    path = ":".join(folder for folder in environment()["PATH"].split(":") if Path(folder) != BIN)
    return shutil.which(program, path=path)


def _link(name: str, target: Path) -> None:
    link = BIN / name
    if not (link.is_symlink() and link.readlink() == target):
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _plugin(name: str) -> None:
    """Install the official plugin; where it cannot be downloaded, put the stand-in on PATH and say so."""
    wanted = version(f"pulumi-{name}")
    stand_in = f"pulumi-resource-{name}"
    if (given := plugins()) and (given / stand_in).exists():
        print(f"✓ plugin {name}: {given / stand_in} (PLUGINS)")
        return
    if (PULUMI_HOME / f"plugins/resource-{name}-v{wanted}").exists():
        (BIN / stand_in).unlink(missing_ok=True)  # on PATH it would go first
        print(f"✓ plugin {name} {wanted}")
        return
    if (BIN / stand_in).exists():
        print(f"✓ plugin {name}: the stand-in (the official one could not be downloaded; `make clean` tries again)")
        return
    install = ["pulumi", "plugin", "install", "resource", name, wanted]
    try:
        installed = subprocess.run(
            install, env=_variables(), capture_output=True, text=True, check=False, timeout=PLUGIN_TIMEOUT
        )
        refusal = installed.stderr.strip().splitlines()[-1:] if installed.returncode else []
    except subprocess.TimeoutExpired:
        refusal = [f"no answer in {PLUGIN_TIMEOUT} s"]
    if refusal:
        _link(stand_in, STAND_INS / stand_in)
        print(f"‼ plugin {name} {wanted}: cannot be downloaded here, its stand-in is used ({refusal[0][:160]})")
    else:
        print(f"✓ plugin {name} {wanted}")


def _stack() -> None:
    """Make the stack `local`; its configuration is a copy, to which Pulumi adds the salt of the passphrase."""
    configuration = CHECKOUT / "Pulumi.local.yaml"
    if not configuration.exists():
        shutil.copyfile(CHECKOUT / "lab/Pulumi.local.yaml", configuration)
    select = ["pulumi", "stack", "select", "--create", "--non-interactive", "local"]
    selected = subprocess.run(select, cwd=CHECKOUT, env=_variables(), capture_output=True, text=True, check=False)
    if selected.returncode:
        sys.exit(f"✗ stack local: {selected.stderr.strip()}")
    print("✓ stack local")


def _variables() -> dict[str, str]:
    return os.environ | environment()


if __name__ == "__main__":
    try:
        main()
    except (toolchain.ToolchainError, images.ImageError, TemplateError) as failed:
        sys.exit(f"✗ {failed}")
