"""How istioctl is asked and understood, with a program in its place."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from api_server import kubeconfig
from pydantic import SecretStr

from multimesh.check import analysis
from multimesh.check.analysis import Message, analyze
from multimesh.control_plane import ControlPlane

FOUND = {
    "code": "IST0101",
    "level": "Error",
    "origin": "VirtualService shop/canary",
    "message": 'Referenced host not found: "x"',
    "documentationUrl": "https://istio.io/latest/docs/reference/config/analysis/ist0101/?ref=istioctl-analyze",
}
CONFIGS = {mesh: SecretStr(kubeconfig(f"http://{mesh}", {"token": mesh})) for mesh in ("east", "west")}


@pytest.fixture
def istioctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that keeps its arguments and the kubeconfig, and prints what its file has."""
    program = tmp_path / "istioctl"
    program.write_text(
        f'#!/bin/sh\ncd {tmp_path}\necho "$*" >asked\nfor one; do case $one in --kubeconfig=*) '
        'cp "${one#--kubeconfig=}" kubeconfig;; esac; done\ncat said\n[ ! -f error ] || { cat error >&2; exit 1; }\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "said").write_text(json.dumps([FOUND]))
    return tmp_path


def ask(*meshes: str, **plane: Any) -> Any:
    return analyze({mesh: CONFIGS[mesh] for mesh in meshes}, meshes[0], ControlPlane(**plane))


@pytest.mark.usefixtures("istioctl")
def test_a_message_has_its_code_and_object_and_a_link() -> None:
    link = FOUND["documentationUrl"].partition("?")[0]
    assert ask("east") == [Message("IST0101", "Error", "VirtualService", "shop", "canary", FOUND["message"], link)]


@pytest.mark.parametrize("said", ["null", "[]", ""])
def test_no_message_is_nothing_found(istioctl: Path, said: str) -> None:
    (istioctl / "said").write_text(said)
    assert ask("east") == []


def test_a_message_of_a_namespace_is_of_that_namespace(istioctl: Path) -> None:
    (istioctl / "said").write_text(json.dumps([FOUND | {"origin": "Namespace shop"}]))
    [message] = ask("east")
    assert (message.namespace, message.origin) == ("shop", "Namespace shop")


def test_the_control_plane_that_is_meant_is_asked(istioctl: Path) -> None:
    ask("east", namespace="mesh-system", revision="1-31")
    asked = (istioctl / "asked").read_text()
    assert "--context=east --istioNamespace=mesh-system --revision=1-31" in asked
    assert "--remote-contexts" not in asked


def test_the_other_clusters_of_a_mesh_are_its_remotes(istioctl: Path) -> None:
    ask("east", "west")
    assert "--context=east" in (istioctl / "asked").read_text()
    assert "--remote-contexts=west" in (istioctl / "asked").read_text()
    document = yaml.safe_load((istioctl / "kubeconfig").read_text())
    found = {one["name"]: one["cluster"]["server"] for one in document["clusters"]}
    assert found == {"east": "http://east", "west": "http://west"}


def test_the_kubeconfig_is_gone_afterwards(istioctl: Path) -> None:
    ask("east")
    [file] = [word for word in (istioctl / "asked").read_text().split() if word.startswith("--kubeconfig=")]
    assert not Path(file.partition("=")[2]).exists()


def test_an_error_is_passed_on(istioctl: Path) -> None:
    (istioctl / "error").write_text("a warning\nError: forbidden\n")
    assert ask("east") == "istioctl analyze: Error: forbidden"


@pytest.mark.parametrize("said", ["[1]", "no JSON"])
def test_what_is_no_message_is_told(istioctl: Path, said: str) -> None:
    (istioctl / "said").write_text(said)
    assert "something else than messages" in ask("east")


def test_a_program_that_does_not_end_is_told(istioctl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (istioctl / "istioctl").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(analysis, "_SECONDS", 0.1)
    assert "did not finish" in ask("east")
