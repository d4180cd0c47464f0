"""Reading a stack: its outputs, and the folder that Pulumi is run in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from multimesh import stack
from multimesh.stack import OutputsError, exported_sample, parse_outputs, read_outputs

MESH = {
    "ingress_url": "http://10.200.0.2:30080",
    "gateway_address": "10.200.0.2",
    "gateway_port": 31443,
    "trust_domain": "east.mesh",
    "ca_expires": "2027-11-22T00:00:00Z",
}
OUTPUTS: dict[str, Any] = {
    "meshes": {"east": MESH},
    "root_ca": "-----BEGIN CERTIFICATE-----",
    "root_ca_fingerprint": "ab:cd",
    "services": {"shop.demo.global": {"east": 1}, "echo.demo.global": {"east": 80, "west": 20}},
    "kubeconfigs": {"east": "the admin's private key"},
}


def test_the_sample_is_found_whatever_its_suffix() -> None:
    outputs = parse_outputs(json.dumps(OUTPUTS | {"services": {"echo.demo.example": {"east": 3}}}))
    assert exported_sample(outputs) == ("echo.demo.example", {"east": 3})


def test_a_stack_without_the_sample_says_what_it_has() -> None:
    outputs = parse_outputs(json.dumps(OUTPUTS | {"services": {"shop.demo.global": {"east": 1}}}))
    with pytest.raises(OutputsError, match=r"only \['shop.demo.global'\]"):
        exported_sample(outputs)


def test_a_sample_that_no_mesh_may_answer_is_not_asked() -> None:
    outputs = parse_outputs(json.dumps(OUTPUTS | {"services": {"echo.demo.global": {"east": 0}}}))
    with pytest.raises(OutputsError, match=r"no mesh has a weight above 0 for echo\.demo\.global"):
        exported_sample(outputs)


def test_a_kubeconfig_is_never_printed() -> None:
    assert "private key" not in repr(parse_outputs(json.dumps(OUTPUTS)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}\n", "the stack has no outputs: run `pulumi up` first"),
        ('{"url": "http://"}', "not the outputs of a multimesh stack that is up: meshes: Field required"),
        ("", "the outputs: Invalid JSON"),
        (json.dumps(OUTPUTS | {"meshes": {}}), "the stack has no meshes to ask"),
        (
            json.dumps({"meshes": {}, "services": {}, "kubeconfigs": {}}),
            "no meshes to ask yet: they wait for their CAs",
        ),
        (json.dumps(OUTPUTS | {"meshes": {"east": MESH | {"gateway_port": "x"}}}), "meshes.east.gateway_port: "),
        (json.dumps(OUTPUTS | {"kubeconfigs": {}}), "the stack has no kubeconfig for east"),
        (json.dumps(OUTPUTS | {"services": {"echo.demo.global": {"east": -1}}}), "greater than or equal to 0"),
    ],
)
def test_outputs_that_cannot_be_verified_are_refused(text: str, message: str) -> None:
    with pytest.raises(OutputsError) as refused:
        parse_outputs(text)
    assert message in str(refused.value)


def test_a_refusal_quotes_no_secret() -> None:
    with pytest.raises(OutputsError) as refused:
        parse_outputs(json.dumps(OUTPUTS | {"kubeconfigs": "the admin's private key"}))
    assert "private key" not in str(refused.value)


Pulumi = Callable[[str], Path]


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    """Put a `pulumi` on PATH that is the given shell script; return the folder of the project."""

    def install(script: str) -> Path:
        program = tmp_path / "pulumi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        return tmp_path

    return install


def test_the_named_stack_is_read_in_the_project(pulumi: Pulumi, tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    project = pulumi('echo "$@" > arguments && cat outputs.json')
    assert list(read_outputs("dev", project).meshes) == ["east"]
    arguments = (tmp_path / "arguments").read_text().split()
    assert arguments == ["stack", "output", "--json", "--show-secrets", "--non-interactive", "--stack", "dev"]


def test_what_pulumi_says_is_passed_on(pulumi: Pulumi) -> None:
    project = pulumi("echo 'error: no stack named dev' >&2; exit 255")
    with pytest.raises(OutputsError, match=r"^no stack named dev$"):
        read_outputs("dev", project)


def test_a_project_without_a_selected_stack_is_told_the_option(pulumi: Pulumi) -> None:
    project = pulumi("echo 'error: no stack selected; please use pulumi stack select' >&2; exit 255")
    with pytest.raises(OutputsError, match="no stack is selected: give one by --stack"):
        read_outputs(None, project)


def test_a_machine_without_pulumi_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutputsError, match="pulumi is not on PATH"):
        read_outputs(None, tmp_path)


@pytest.mark.parametrize(
    "said",
    [
        "error: no Pulumi.yaml project file found (searching upwards from /x). If you have not created a project yet, "
        "use `pulumi new` to do so: no project file found",
        "error: if you are using the --stack flag, pass the fully qualified name (organization/project/stack)",
    ],
)
def test_a_folder_of_no_project_is_named(pulumi: Pulumi, said: str) -> None:
    folder = pulumi(f"echo '{said}' >&2; exit 255")
    with pytest.raises(OutputsError, match=f"^no Pulumi project in {folder} or in a folder above it: "):
        read_outputs(None, folder)


def test_a_checkout_is_its_own_project_wherever_the_command_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (stack.project() / "Pulumi.yaml").exists()


def test_an_installed_package_reads_the_project_of_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "CHECKOUT", tmp_path / "site-packages")
    monkeypatch.chdir(tmp_path)
    assert stack.project() == tmp_path
