"""The stand-ins as the engine starts and ends them: a process by name, a port on its standard output, an interrupt."""

import os
import signal
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from recording import CHECKOUT

PLUGINS = CHECKOUT / "lab/plugins/bin"
ENGINE_PATIENCE = 5  # seconds, after which the engine kills what it has interrupted


@pytest.fixture(params=["kubernetes", "tls"])
def plugin(request: pytest.FixtureRequest) -> Iterator["subprocess.Popen[str]"]:
    command = [PLUGINS / f"pulumi-resource-{request.param}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_a_plugin_says_its_port_and_nothing_else(plugin: "subprocess.Popen[str]") -> None:
    assert plugin.stdout
    assert 0 < int(plugin.stdout.readline()) < 65536
    plugin.send_signal(signal.SIGINT)
    assert plugin.stdout.read() == ""


def test_a_plugin_that_is_dismissed_ends_before_the_engine_loses_patience(plugin: "subprocess.Popen[str]") -> None:
    assert plugin.stdout
    plugin.stdout.readline()
    plugin.send_signal(signal.SIGINT)
    assert plugin.wait(timeout=ENGINE_PATIENCE) == 0


@pytest.mark.parametrize("package", ["kubernetes", "tls"])
def test_an_official_plugin_that_was_installed_later_answers_in_its_place(package: str, tmp_path: Path) -> None:
    program = f"pulumi-resource-{package}"
    folder = tmp_path / f"plugins/resource-{package}-v{version(f'pulumi-{package}')}"
    folder.mkdir(parents=True)
    (folder / program).write_text('#!/bin/sh\necho official "$@"\n')
    (folder / program).chmod(0o755)
    environment = os.environ | {"PULUMI_HOME": str(tmp_path)}
    said = subprocess.run(
        [PLUGINS / program, "127.0.0.1:1"], env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout == "official 127.0.0.1:1\n"
