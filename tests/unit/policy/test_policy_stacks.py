"""The policy pack over the stacks as they are committed, under mocks."""

from pathlib import Path
from typing import Any

import dev_stack
import google_access
import pytest
import yaml
from policy_pack import violations_of
from recording import CHECKOUT, recorded


def test_the_local_stack_keeps_every_rule() -> None:
    committed = yaml.safe_load((CHECKOUT / "lab/Pulumi.local.yaml").read_text())["config"]
    recording = recorded({key.removeprefix("multimesh:"): value for key, value in committed.items()})
    assert recording.of(":Gateway"), "there is something to judge"
    assert violations_of(recording) == []


def on_google(**settings: Any) -> list[str]:
    cluster = {"kind": "gke", "project": "shop-123456", "location": "europe-west1-b", **settings}
    return violations_of(recorded({"meshes": {"west": {"cluster": cluster}}}))


@pytest.fixture
def _able(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    google_access.able(monkeypatch, tmp_path)


@pytest.mark.usefixtures("_able")
def test_a_mesh_on_google_keeps_every_rule() -> None:
    assert on_google(api_cidrs=["100.64.1.2/32"]) == []


@pytest.mark.usefixtures("_able")
def test_an_api_that_the_settings_open_to_the_world_is_refused_all_the_same() -> None:
    (said,) = on_google(api_cidrs=["0.0.0.0/0"], api_open_to_the_world=True)
    assert said.startswith("west-cluster: no-open-administration: masterAuthorizedNetworksConfig: must not open")


def test_the_dev_stack_keeps_every_rule(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dev_stack.with_accounts(monkeypatch, tmp_path)
    recording = recorded(dev_stack.documented())
    assert recording.of("LaunchTemplate"), "there is something to judge of AWS"
    assert recording.of("NodePool"), "there is something to judge of Google"
    assert violations_of(recording) == []
