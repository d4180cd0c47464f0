"""The command `multimesh exposure`: what it prints and returns."""

import json

import pytest
from typer.testing import CliRunner

import multimesh.__main__ as command
from multimesh import stack as stacks
from multimesh.contract import Exposure, VerifyMeshOutputs, VerifyOutputs

FOUND = [
    Exposure(callers=["west (any identity)", "east/ns/shop/sa/web"], service="orders.shop:80", meshes=["east", "west"]),
    Exposure(callers=["anybody"], service="orders.shop as shop.example", meshes=["east"]),
]
MESH = VerifyMeshOutputs(ingress_url="", gateway_address="gw", gateway_port=1, trust_domain="t", ca_expires="")


def given(monkeypatch: pytest.MonkeyPatch, exposure: list[Exposure] | None) -> None:
    outputs = VerifyOutputs(
        meshes={"east": MESH}, root_ca="", root_ca_fingerprint="", services={}, kubeconfigs={}, exposure=exposure
    )
    monkeypatch.setattr(stacks, "read_outputs", lambda _stack: outputs)


def test_each_service_is_a_line_with_who_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, FOUND)
    result = CliRunner().invoke(command.app, ["exposure"])
    assert result.exit_code == 0
    assert [" ".join(line.split()) for line in result.stdout.splitlines()] == [
        "service in reached by",
        "orders.shop:80 east, west west (any identity), east/ns/shop/sa/web",
        "orders.shop as shop.example east anybody",
    ]


def test_json_is_the_output_of_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, FOUND)
    result = CliRunner().invoke(command.app, ["exposure", "--output", "json"])
    assert json.loads(result.stdout) == [one.model_dump() for one in FOUND]


def test_a_stack_that_exports_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, [])
    assert CliRunner().invoke(command.app, ["exposure"]).stdout == "nothing is exported\n"


def test_a_stack_of_an_earlier_version_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, None)
    result = CliRunner().invoke(command.app, ["exposure"])
    assert result.exit_code == 2
    assert "run `pulumi up`, which writes it" in result.stderr
