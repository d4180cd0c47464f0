"""The administrator's kubeconfig of a cluster that the stack made is stolen: the mesh is replaced, the others answer.

docs/security.md, "A kubeconfig is stolen".
"""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import CoreV1Api
from kubernetes.config import new_client_from_config_dict

from components.trust import revocation
from lab.stack import Stack
from tests.e2e.test_4_revoked_ca import served, stolen, trust
from tests.faults import load as loads
from tests.faults.figures import Figures
from tests.faults.load import load


@pytest.fixture(autouse=True)
def _a_long_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loads, "AT_MOST", 600)


def without_east(config: dict[str, Any]) -> None:
    del config["multimesh:meshes"]["east"]
    for service in config["multimesh:services"]:
        del service["meshes"]["east"]


def opens(kubeconfig: str) -> bool:
    """Return whether a kubeconfig still opens a cluster."""
    with new_client_from_config_dict(yaml.safe_load(kubeconfig)) as api:
        try:
            CoreV1Api(api).read_namespaced_secret("cacerts", "istio-system", _request_timeout=5)
        except Exception:  # refused, not reached, or another CA
            return False
    return True


def test_a_mesh_is_replaced_while_the_other_one_answers(stack: Stack, figures: Figures, tmp_path: Path) -> None:
    kubeconfig = stack.outputs().kubeconfigs["east"].get_secret_value()
    thief = stolen(stack)
    assert opens(kubeconfig)
    kept: dict[str, Any] = {}
    stack.configure(lambda config: kept.update(yaml.safe_load(yaml.safe_dump(config))))

    with load(stack.outputs().meshes["west"].ingress_url) as requests:
        begun = time.monotonic()
        stack.configure(without_east)
        stack.up()
        gone = time.monotonic() - begun
        assert not opens(kubeconfig)
        stack.configure(lambda config: config.update(kept))
        stack.up()
        took = time.monotonic() - begun
        assert stack.settled() == []
    assert not opens(kubeconfig)
    assert stolen(stack).certificate.serial_number != thief.certificate.serial_number
    remark = f"the kubeconfig opens nothing after {gone:.0f} s, the mesh is there again after {took:.0f} s"
    figures.of_load("a mesh replaced, as its kubeconfig was stolen", requests, begun, remark)
    assert requests.reasons() == {}

    assert served(stack, thief, tmp_path), "the key that the thief has read is the mesh's CA still"
    trust(stack, revoked=[revocation.shown(thief.certificate.serial_number)])
    deadline = time.monotonic() + 150
    while served(stack, thief, tmp_path) and time.monotonic() < deadline:
        time.sleep(2)
    assert not served(stack, thief, tmp_path)
    assert served(stack, stolen(stack), tmp_path)
    assert stack.wrong() == []
