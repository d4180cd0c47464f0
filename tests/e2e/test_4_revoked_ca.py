"""The thief of the CA of a mesh after its revocation: proxies that have the lists refuse it. Raw TLS to a workload."""

import base64
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.trust import revocation
from lab.stack import Stack
from tests.e2e.peer import Issuer, ask

ECHO = "outbound_.80_._.echo.demo.svc.cluster.local"


def stolen(stack: Stack) -> Issuer:
    """Return an authority with the key and the certificates in the Secret `cacerts` of mesh east."""
    with stack.api("east") as api:
        secret = api.read_namespaced_secret("cacerts", "istio-system").data or {}
    pem = {name: base64.b64decode(value) for name, value in secret.items()}
    return Issuer.load(pem["ca-cert.pem"], pem["ca-key.pem"], pem["cert-chain.pem"])


def served(stack: Stack, thief: Issuer, folder: Path) -> bool:
    """Return whether west's workload answers a caller with a certificate of this authority."""
    outputs = stack.outputs()
    west = outputs.meshes["west"]
    client = thief.issue(f"spiffe://{outputs.meshes['east'].trust_domain}/ns/demo/sa/echo", folder)
    try:
        return ask((west.gateway_address, west.gateway_port), ECHO, outputs.root_ca, client).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def trust(stack: Stack, **settings: object) -> None:
    """Bring the stack to these settings of trust, beside those that it has."""
    stack.configure(lambda config: config.setdefault("multimesh:trust", {}).update(settings))
    stack.up()


def rotated(stack: Stack, *options: str) -> int:
    """Return the exit code of `multimesh rotate-root --check`: 0 if every proxy has what it must have."""
    command = [sys.executable, "-m", "multimesh", "rotate-root", "--stack", stack.name, "--check", *options]
    done = subprocess.run(
        command, cwd=stack.project, env=stack.environment, text=True, capture_output=True, timeout=400, check=False
    )
    stack.show(done.stdout + done.stderr)
    return done.returncode


@pytest.fixture(scope="module")
def thief(stack: Stack) -> Issuer:
    return stolen(stack)


def test_a_stolen_ca_is_refused_once_it_is_revoked_and_the_next_one_serves(
    stack: Stack, thief: Issuer, tmp_path: Path
) -> None:
    assert served(stack, thief, tmp_path)
    trust(stack, ca_generations={"east": 2})
    deadline = time.monotonic() + 150
    while (has_all := rotated(stack)) != 0 and time.monotonic() < deadline:
        time.sleep(2)
    assert has_all == 0, "a proxy has a certificate of the former CA still"
    trust(stack, revoked=[revocation.shown(thief.certificate.serial_number)])
    assert rotated(stack, "--restart") == 0
    deadline = time.monotonic() + 150  # kubelet brings the list to running pods within two minutes
    while served(stack, thief, tmp_path) and time.monotonic() < deadline:
        time.sleep(2)
    assert not served(stack, thief, tmp_path)
    assert served(stack, stolen(stack), tmp_path)
    assert stack.settled() == []
    assert stack.wrong() == []
