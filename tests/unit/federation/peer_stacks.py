"""A stack, east, with a peer, west, under one root that a third stack owns: under mocks."""

from typing import Any

import pytest
from certificates import PEM
from recording import Recording, recorded

from components.settings import SettingsError

LOCAL = {"cluster": {"kind": "local"}}
ECHO = {"name": "echo", "namespace": "demo", "port": 80, "ingress_hosts": ["*"], "service_account": "echo"}
CA = {
    "certificate": PEM,
    "private_key": "key of east",
    "trust_domain": "east.mesh",
    "expires": "2036-01-01T00:00:00Z",
    "generation": 1,
}
TRUST = {"meshes": {}, "root_ca": PEM, "intermediates": {"east": CA}}
EXPORT = {"port": 80, "weight": 3, "service_account": "echo"}


def west(**exports: Any) -> dict[str, Any]:
    """The mesh west in its stack's outputs, as the engine gives them: every number is a float."""
    exported = {"echo.demo.global": EXPORT} | {name.replace("_", "."): export for name, export in exports.items()}
    return {
        "gateway_address": "10.9.0.2",
        "gateway_port": 31443.0,
        "trust_domain": "west.mesh",
        "exports": {name: export for name, export in exported.items() if export},
    }


def outputs(**given: Any) -> dict[str, Any]:
    return {"meshes": {"west": west()}, "root_ca": PEM, "suffix": "global", **given}


def config(**given: Any) -> dict[str, Any]:
    stack = {"meshes": {"east": LOCAL}, "services": [ECHO], "peers": ["west"], "trust": {"stack": "trust"}}
    return stack | given


def run(peer: dict[str, Any] | None = None, also: dict[str, Any] | None = None, **given: Any) -> Recording:
    """Run the stack's program; `also` are the outputs of further stacks, or those that the stack itself had."""
    stacks = {"trust": TRUST, "west": outputs() if peer is None else peer, **(also or {})}
    return recorded(config(**given), stacks=stacks)


def refused(*arguments: Any, **given: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        run(*arguments, **given)
    return [line.removeprefix("  multimesh:") for line in str(caught.value).splitlines()[1:]]
