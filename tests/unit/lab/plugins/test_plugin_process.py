"""The stand-ins as the engine starts and ends them: a process by name, a port on its standard output, an interrupt."""

import signal
import subprocess
from collections.abc import Iterator

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
