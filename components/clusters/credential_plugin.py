"""The credentials of a user whose kubeconfig names a program that returns them.

Run here and not by the Kubernetes client, which continues without credentials when the program fails.
Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import base64
import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

from components.clusters.kubeconfig_files import KubeconfigError

_SECONDS = 60
_LONGEST = 300
_EXTENSION = "client.authentication.k8s.io/exec"


def credentials(plugin: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, str]:
    """Return the user (token, or certificate and key) that the program of an `exec` answers with.

    Raise KubeconfigError with what the program wrote to its standard error, but never what it answered.
    """
    command = plugin["command"]
    variables = {entry["name"]: entry["value"] for entry in plugin.get("env") or []}
    information = json.dumps(_information(plugin, cluster), default=str)
    try:
        answer = subprocess.run(
            [command, *(plugin.get("args") or [])],
            env={**os.environ, **variables, "KUBERNETES_EXEC_INFO": information},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise KubeconfigError(f"its user's program {command} did not answer within {_SECONDS} seconds") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its arguments are unusable"
        raise KubeconfigError(f"its user's program {command} cannot be run: {reason}") from error
    if answer.returncode != 0:
        said = " ".join(answer.stderr.decode(errors="replace").split())[-_LONGEST:]
        raise KubeconfigError(
            f"its user's program {command} failed with {answer.returncode}: {said or 'it says nothing'}"
        )
    return _user(command, plugin["apiVersion"], answer.stdout)


def _information(plugin: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ExecCredential that the program gets."""
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        extensions = cluster.get("extensions")
        own = [
            each.get("extension")
            for each in (extensions if isinstance(extensions, list) else [])
            if isinstance(each, dict) and each.get("name") == _EXTENSION
        ]
        spec["cluster"] = {key: value for key, value in cluster.items() if key != "extensions"}
        spec["cluster"] |= {"config": own[0]} if own else {}
    return {"apiVersion": plugin["apiVersion"], "kind": "ExecCredential", "spec": spec}


def _user(command: str, version: str, answer: bytes) -> dict[str, str]:
    try:
        credential = json.loads(answer)
        status = credential["status"]
        given = {key: value for key, value in status.items() if isinstance(value, str)}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise KubeconfigError(f"its user's program {command} does not answer with an ExecCredential") from None
    if credential.get("apiVersion") != version:
        answered = str(credential.get("apiVersion"))[:80]
        raise KubeconfigError(f"its user's program {command} answers in {answered}, but exec.apiVersion is {version}")
    user = {"token": given["token"]} if given.get("token") else {}
    if given.get("clientCertificateData") and given.get("clientKeyData"):
        user["client-certificate-data"] = base64.b64encode(given["clientCertificateData"].encode()).decode()
        user["client-key-data"] = base64.b64encode(given["clientKeyData"].encode()).decode()
    if not user:
        raise KubeconfigError(
            f"its user's program {command} answers with neither a token nor a certificate and its key"
        )
    return user
