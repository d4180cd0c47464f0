"""Wait until control-plane nodes, which upgrade themselves, have the version of Kubernetes that is wanted.

Workers of the next version come after that. Pulumi stores only a reference to the provider, by this module's name.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
from pulumi import dynamic

from components.clusters.connection import connected
from components.clusters.kubeconfig import KubeconfigError
from components.dynamic_errors import without_tracebacks

_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
_LIMIT_SECONDS = 30 * 60
_PAUSE_SECONDS = 5
_REPORT_SECONDS = 30


class NotUpgradedError(Exception):
    """Control-plane nodes did not get the wanted version in time; the message says which, and where to look."""


def versions(kubeconfig: str, timeout: float = 10) -> dict[str, str]:
    """Return the version (`1.2.3`) of each control-plane node that is ready and takes pods, "" for one that is not.

    Raises:
        OSError, HTTPError, ApiException, KubeconfigError: the API does not answer.
    """
    from kubernetes import client

    with connected(kubeconfig) as api:
        found: Any = client.CoreV1Api(api).list_node(label_selector=_CONTROL_PLANE, _request_timeout=timeout)
    return {
        node.metadata.name: node.status.node_info.kubelet_version.removeprefix("v") if _serves(node) else ""
        for node in found.items
    }


def _serves(node: Any) -> bool:
    ready = any(condition.type == "Ready" and condition.status == "True" for condition in node.status.conditions or ())
    return ready and not node.spec.unschedulable


def missing(known: Mapping[str, str], wanted: str) -> str:
    """Return which nodes do not have the wanted version yet, "" if all have it."""
    others = {name: version for name, version in known.items() if version != wanted}
    if not known:
        return "no control-plane node"
    return ", ".join(f"{name} ({version or 'being upgraded'})" for name, version in sorted(others.items()))


def wait(
    props: Mapping[str, Any],
    report: Callable[[str], None],
    limit: float = _LIMIT_SECONDS,
) -> None:
    """Wait until every control-plane node has `props["version"]`: `limit` seconds since the last one got it.

    An API server that does not answer meanwhile is one that is upgraded.

    Raises:
        NotUpgradedError: no further node got the version within `limit` seconds.
    """
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    mesh, wanted = props["mesh"], props["version"]
    since = said = time.monotonic()
    done = 0
    while True:
        now = time.monotonic()
        try:
            known = versions(props["kubeconfig"])
            left = missing(known, wanted)
            if not left:
                report(f"{mesh}: every control-plane node has Kubernetes {wanted}")
                return
            have = sum(version == wanted for version in known.values())
            since, done = (now, have) if have > done else (since, done)
        except (ApiException, KubeconfigError, HTTPError, OSError) as error:
            left = f"the API does not answer: {' '.join(str(getattr(error, 'reason', None) or error).split())}"
        if now - since > limit:
            raise NotUpgradedError(
                f"{mesh}: control-plane nodes do not have Kubernetes {wanted} after {limit / 60:.0f} minutes: {left}. "
                f"{props['look_at']}"
            )
        if now - said >= _REPORT_SECONDS:
            report(f"{mesh}: waiting for Kubernetes {wanted}: {left}")
            said = now
        time.sleep(_PAUSE_SECONDS)


@without_tracebacks
class KubernetesVersionProvider(dynamic.ResourceProvider):
    """Wait when the version changes; a new cluster is made with its version."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Store the version of a cluster that has it."""
        return dynamic.CreateResult(props["mesh"], props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Report a change of the version."""
        return dynamic.DiffResult(changes=_olds.get("version") != _news["version"])

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Wait for the new version."""
        wait(_news, lambda line: print(line, flush=True))
        return dynamic.UpdateResult(_news)


class KubernetesVersion(dynamic.Resource, module="multimesh", name="KubernetesVersion"):
    """The version of Kubernetes that every control-plane node of a mesh's cluster has.

    `look_at` are the last sentences of the error message, which say where to look.
    """

    def __init__(
        self,
        resource_name: str,
        mesh: str,
        version: str,
        kubeconfig: pulumi.Input[str],
        look_at: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__(
            KubernetesVersionProvider(),
            resource_name,
            {"mesh": mesh, "version": version, "kubeconfig": kubeconfig, "look_at": look_at},
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["kubeconfig"])),
        )
