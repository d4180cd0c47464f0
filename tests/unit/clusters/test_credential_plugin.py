"""A user's program that returns credentials: what it is given, and what is said when it fails."""

import json
from pathlib import Path
from typing import Any

import pytest
from api_server import kubeconfig

from components.clusters.connection import connected
from components.clusters.kubeconfig import KubeconfigError

VERSION = "client.authentication.k8s.io/v1"


def plugin(folder: Path, script: str, **given: Any) -> dict[str, Any]:
    (program := folder / "log-in").write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"exec": {"apiVersion": VERSION, "command": str(program), **given}}


def answering(status: Any, version: str = VERSION) -> str:
    return f"echo '{json.dumps({'apiVersion': version, 'kind': 'ExecCredential', 'status': status})}'"


def token(user: dict[str, Any], **cluster: Any) -> str:
    with connected(kubeconfig("https://api.invalid", user, cluster)) as api:
        return api.configuration.api_key["BearerToken"]


def test_a_token_is_used(tmp_path: Path) -> None:
    assert token(plugin(tmp_path, answering({"token": "known"}))) == "Bearer known"


def test_arguments_and_variables_are_handed_on(tmp_path: Path) -> None:
    given = {"args": ["known"], "env": [{"name": "WHO", "value": "me"}]}
    script = """echo "{\\"apiVersion\\":\\"%s\\",\\"status\\":{\\"token\\":\\"$1-$WHO\\"}}" """ % VERSION  # noqa: UP031
    assert token(plugin(tmp_path, script, **given)) == "Bearer known-me"


def test_the_cluster_is_told_when_the_program_wants_to_know(tmp_path: Path) -> None:
    said = tmp_path / "said"
    script = f'echo "$KUBERNETES_EXEC_INFO" > {said}; {answering({"token": "known"})}'
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "it"}}
    token(plugin(tmp_path, script, provideClusterInfo=True), extensions=[extension])
    cluster = {"server": "https://api.invalid", "config": {"audience": "it"}}
    assert json.loads(said.read_text())["spec"] == {"interactive": False, "cluster": cluster}


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'Your session\n has expired.' >&2; exit 3", "failed with 3: Your session has expired."),
        ("exit 1", "failed with 1: it says nothing"),
        ("echo hunter2", "does not answer with an ExecCredential"),
        (answering("hunter2"), "does not answer with an ExecCredential"),
        (answering({"clientCertificateData": "hunter2"}), "answers with neither a token nor a certificate and its key"),
        (answering({"token": "hunter2"}, "v9"), f"answers in v9, but exec.apiVersion is {VERSION}"),
    ],
)
def test_a_program_that_fails_says_why(tmp_path: Path, script: str, message: str) -> None:
    user = plugin(tmp_path, script)
    with pytest.raises(KubeconfigError) as caught:
        token(user)
    assert str(caught.value) == f"its user's program {user['exec']['command']} {message}"


def test_a_program_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    user = plugin(tmp_path, "")
    (tmp_path / "log-in").chmod(0o644)
    with pytest.raises(KubeconfigError, match=f"program {tmp_path}/log-in cannot be run: Permission denied"):
        token(user)
