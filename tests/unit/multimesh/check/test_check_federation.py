"""What is read of a stack, and of which of its meshes."""

from typing import Any

import pytest
from sound import SERVICE, federation

from multimesh.check import analysis
from multimesh.check import federation as reading
from multimesh.check.calls import Caller
from multimesh.check.federation import Federation, read_federation
from multimesh.check.machine import Machine
from multimesh.check.made import Made
from multimesh.stack import OutputsError

MACHINE = Machine({}, {}, {}, [])


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Two clusters that answer, istioctl, and a machine with nothing on it."""
    answers: dict[str, Any] = dict(federation().clusters)
    monkeypatch.setattr(analysis, "is_installed", lambda: True)
    monkeypatch.setattr(reading, "_read", lambda _outputs, mesh, _namespaces: answers[mesh])
    monkeypatch.setattr(reading, "_call", lambda _outputs, mesh, _ports: Caller(trouble=f"none in {mesh}"))
    monkeypatch.setattr(reading, "_shake", lambda *_: {})
    monkeypatch.setattr(reading, "_analyze", lambda _outputs, mesh, others: f"{mesh} of {', '.join(others)}")
    monkeypatch.setattr(reading, "read_machine", lambda _made: MACHINE)
    return answers


def read(*services: str, callers: tuple[str, ...] = ()) -> Federation:
    return read_federation(federation().outputs, Made({}, []), services, callers, lambda _: None)


def test_every_mesh_is_looked_at() -> None:
    found = read()
    assert [*found.clusters] == [*found.callers] == [*found.gateways] == ["east", "west"]
    assert found.services.keys() == {SERVICE}
    assert found.machine is MACHINE


def test_a_cluster_that_does_not_answer_is_not_called_from(world: dict[str, Any]) -> None:
    world["west"] = "no answer"
    found = read()
    assert (found.silent, [*found.callers], found.analyses) == (
        {"west": "no answer"},
        ["east"],
        {"east": "east of east"},
    )


def test_proxies_are_asked_while_a_ca_is_revoked_alone() -> None:
    assert read().proxies == {}


def test_without_istioctl_no_mesh_is_analysed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "is_installed", lambda: False)
    assert read().analyses is None


def test_callers_may_be_chosen() -> None:
    assert [*read(callers=("west",)).callers] == ["west"]


def test_a_caller_that_is_no_mesh_is_refused() -> None:
    with pytest.raises(OutputsError, match="no mesh south"):
        read(callers=("south",))
