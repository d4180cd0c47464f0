"""What is read of a stack, and of which of its meshes."""

from typing import Any

import pytest
from sound import SERVICE, federation, of_istiod

from multimesh.check import analysis
from multimesh.check import federation as reading
from multimesh.check.calls import Caller
from multimesh.check.federation import Federation, read_federation
from multimesh.check.machine import Machine
from multimesh.check.made import Made
from multimesh.contract import Form
from multimesh.stack import OutputsError

MACHINE = Machine({}, {}, {}, [])


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Two clusters that answer, istioctl, and a machine with nothing on it."""
    answers: dict[str, Any] = dict(federation().clusters)
    monkeypatch.setattr(analysis, "is_installed", lambda: True)
    monkeypatch.setattr(reading, "_read", lambda _outputs, mesh, _namespaces: answers[mesh])
    monkeypatch.setattr(reading, "_call", lambda _outputs, mesh, _ports, _refusing: Caller(trouble=f"none in {mesh}"))
    monkeypatch.setattr(reading, "_presented", lambda _outputs, mesh, _cluster: [of_istiod(mesh)])
    monkeypatch.setattr(reading, "_shake", lambda *_: {})
    monkeypatch.setattr(reading, "_analyze", lambda _outputs, mesh, others: f"{mesh} of {', '.join(others)}")
    monkeypatch.setattr(reading, "read_machine", lambda _made: MACHINE)
    return answers


def read(*services: str, callers: tuple[str, ...] = (), **outputs: Any) -> Federation:
    changed = federation().outputs.model_copy(update=outputs)
    return read_federation(changed, Made({}, []), services, callers, lambda _: None)


def test_every_mesh_is_looked_at() -> None:
    found = read()
    assert [*found.clusters] == [*found.callers] == [*found.gateways] == [*found.presented] == ["east", "west"]
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


@pytest.mark.parametrize(
    ("outputs", "asked"),
    [
        ({}, []),
        ({"root_revocation_lists": "x"}, ["east", "west"]),
        ({"root_cas": {"created-1": "", "created-2": ""}}, ["east", "west"]),
    ],
)
def test_proxies_are_asked_while_a_ca_is_revoked_or_the_root_changes(
    monkeypatch: pytest.MonkeyPatch, outputs: dict[str, Any], asked: list[str]
) -> None:
    monkeypatch.setattr(reading, "_proxies", lambda *_: [])
    assert [*read(**outputs).proxies] == asked


@pytest.mark.parametrize(
    ("form", "asked"),
    [
        ({"kind": "single-mesh", "network": "gateways"}, ["east", "west"]),
        ({"kind": "single-mesh", "network": "flat"}, []),
        ({"kind": "single-cluster"}, []),
    ],
)
def test_gateways_are_asked_where_clusters_call_each_other_through_them(form: dict[str, Any], asked: list[str]) -> None:
    assert [*read(topology=Form.model_validate(form)).gateways] == asked


def test_without_istioctl_no_mesh_is_analysed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "is_installed", lambda: False)
    assert read().analyses is None


def test_callers_may_be_chosen() -> None:
    assert [*read(callers=("west",)).callers] == ["west"]


def test_a_caller_that_is_no_mesh_is_refused() -> None:
    with pytest.raises(OutputsError, match="no mesh south"):
        read(callers=("south",))
