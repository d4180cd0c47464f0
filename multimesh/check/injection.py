"""Whether a new pod gets a sidecar: the API server is asked to try one, and makes none."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from multimesh.connection import UnreachableError
from multimesh.contract import SAMPLE
from multimesh.sidecar import NAME

_PATH = f"/api/v1/namespaces/{SAMPLE.namespace}/pods?dryRun=All"
_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "multimesh-check"},
    "spec": {
        "containers": [
            {
                "name": "app",
                "image": "never-pulled",
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "runAsNonRoot": True,
                    "runAsUser": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
            }
        ]
    },
}
"""As the strictest level of Kubernetes' pod security wants it."""

Post = Callable[[str, Any], tuple[int, Mapping[str, str], Mapping[str, Any]]]
"""Sends an object to a path; returns the status, the headers and the JSON of the answer."""


def has_sidecar(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod, as the API server has it, has a proxy among its containers."""
    spec = pod["spec"]
    return any(one["name"] == NAME for one in [*spec["containers"], *(spec.get("initContainers") or [])])


def no_sidecar(post: Post) -> str:
    """Return why a pod beside the sample would have no sidecar; empty if it would, or cannot be tried."""
    try:
        status, _, answer = post(_PATH, _POD)
    except UnreachableError as error:  # it waits as long for the webhook
        return str(error)
    if status == HTTPStatus.CREATED:
        return "" if has_sidecar(answer) else "the API server gives it none"
    # A quota, a policy, or a user who may not: nothing of Istio's.
    return answer.get("message", "") if status == HTTPStatus.INTERNAL_SERVER_ERROR else ""
