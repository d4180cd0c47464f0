"""`pip install .` into an empty environment; it downloads what the package needs."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lab.stack import CHECKOUT


def test_the_package_installs_into_an_empty_environment(tmp_path: Path, show: Callable[[str], None]) -> None:
    start = time.monotonic()
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    programs = tmp_path / "venv/bin"
    pip = [str(programs / "pip"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", str(CHECKOUT)], check=True)
    show(f"pip install: {time.monotonic() - start:.0f} s")
    subprocess.run([*pip, "check"], check=True)

    command = [str(programs / "multimesh"), "--help"]
    start = time.monotonic()
    helped = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "verify" in helped.stdout
    show(f"multimesh --help: {time.monotonic() - start:.1f} s")

    listed = subprocess.run([*pip, "list", "--format=freeze"], capture_output=True, text=True, check=True).stdout
    installed = {line.partition("==")[0].replace("_", "-") for line in listed.splitlines()}
    assert {"multimesh", "pulumi", "pulumi-kubernetes", "pulumi-tls"} <= installed
    assert not {"pulumi-aws", "pulumi-gcp"} & installed, "the SDK of a cloud is installed by its extra alone"
