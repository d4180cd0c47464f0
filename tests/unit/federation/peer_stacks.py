"""A stack, east, with a peer, west, under one root that a third stack owns: under mocks."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from recording import Recording, recorded
from trust import authorities

from components.settings import SettingsError
from components.trust import signing

LOCAL = {"cluster": {"kind": "local"}}
ECHO = {
    "name": "echo",
    "namespace": "demo",
    "port": 80,
    "peers": {"west": 100},
    "ingress_hosts": ["*"],
    "service_account": "echo",
}
ROOT = authorities.root()
PEM = ROOT.certificate
KEY = authorities.new_key()
"""The key of mesh east, which its stack has made before."""


def signed(
    trust_domain: str = "east.mesh",
    days: int = 365,
    key: authorities.Key = KEY,
    by: authorities.Authority = ROOT,
    aliases: Sequence[str] = (),
) -> dict[str, Any]:
    """The certificate of a mesh's CA, as the trust stack exports it, for some days from now (or until some ago)."""
    start = datetime.now(UTC) - timedelta(days=100)
    hours = (100 + days) * 24
    made = signing.sign(authorities.request(key), by.certificate, by.key_pem, [trust_domain, *aliases], hours, start)
    expires = f"{made.end:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "trust_domain": trust_domain,
        "trust_domain_aliases": list(aliases),
        "certificate": made.certificate_pem,
        "expires": expires,
    }


CA = signed()
TRUST = {"meshes": {}, "root_ca": PEM, "certificates": {"east": CA}}
STATE: dict[str, Any] = {
    "east-ca": {
        "type": "tls:index/privateKey:PrivateKey",
        "outputs": {"publicKeyPem": authorities.public_pem(KEY)},
    }
}
"""What this stack's state has once the stack was up."""
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
    stack = {"meshes": {"east": LOCAL}, "services": [ECHO], "peers": ["west"], "trust": {"stack": "trust"}} | given
    if not stack["peers"]:
        stack["services"] = [service | {"peers": {}} for service in stack["services"]]
    return stack


def run(peer: dict[str, Any] | None = None, also: dict[str, Any] | None = None, **given: Any) -> Recording:
    """Run the stack's program; `also` are the outputs of further stacks, or those that the stack itself had."""
    return recorded(config(**given), stacks=stacks(TRUST, outputs() if peer is None else peer) | (also or {}))


def stacks(trust: dict[str, Any], peer: dict[str, Any] | None = None) -> dict[str, Any]:
    """The other stacks, and the state of this one."""
    return {"trust": trust, "state of test": STATE, **({} if peer is None else {"west": peer})}


def refused(*arguments: Any, **given: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        run(*arguments, **given)
    return [line.removeprefix("  multimesh:") for line in str(caught.value).splitlines()[1:]]
