"""The proxies of one cluster: what each trusts and presents, and the workload that restarts it."""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from pydantic import SecretStr
from urllib3.exceptions import HTTPError
from websocket import WebSocketException

from multimesh import sidecar
from multimesh.connection import UnreachableError, connected
from multimesh.proxies import proxy
from multimesh.proxies.proxy import ProxyTrust
from multimesh.stack import OutputsError

_LEARNS_ROOTS = "PROXY_CONFIG_XDS_AGENT"
_ERRORS = (ApiException, HTTPError, HTTPException, WebSocketException, OSError, ValueError)
_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_KINDS = {"Deployment": "deployment", "StatefulSet": "stateful_set", "DaemonSet": "daemon_set"}


@dataclass(frozen=True, order=True)
class Workload:
    """What owns a pod, and what a restart names."""

    mesh: str
    namespace: str
    kind: str
    name: str

    @property
    def restarts(self) -> bool:
        """Whether it replaces its pods when its template changes."""
        return self.kind in _KINDS

    def __str__(self) -> str:
        return f"{self.mesh}: {self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True)
class Proxy:
    """A pod with a proxy. `trust` is None if it did not answer; `trouble` then says why."""

    workload: Workload
    pod: str
    learns: bool
    """Whether it takes another root, and another certificate, while it runs."""
    trust: ProxyTrust | None
    trouble: str = ""


def proxies(mesh: str, kubeconfig: SecretStr) -> list[Proxy]:
    """Return every running pod with a proxy in a mesh's cluster. Raise OutputsError if the cluster does not answer."""
    try:
        with connected(kubeconfig) as connection:
            api = client.CoreV1Api(connection)
            pods = api.list_pod_for_all_namespaces(_request_timeout=30).items
            return [_proxy(api, mesh, pod, container) for pod in pods for container in _containers(pod)]
    except (ApiException, HTTPError, UnreachableError) as error:
        raise OutputsError(f"{mesh}: the cluster does not answer: {getattr(error, 'reason', None) or error}") from None


def restart(workload: Workload, kubeconfig: SecretStr) -> None:
    """Replace a workload's pods as `kubectl rollout restart` does. Raise OutputsError if the cluster refuses."""
    stamp = {_RESTARTED: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    body = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
    try:
        with connected(kubeconfig) as connection:
            patch = getattr(client.AppsV1Api(connection), f"patch_namespaced_{_KINDS[workload.kind]}")
            patch(workload.name, workload.namespace, body)
    except (ApiException, HTTPError, UnreachableError) as error:
        raise OutputsError(f"{workload} cannot be restarted: {getattr(error, 'reason', None) or error}") from None


def _containers(pod: Any) -> list[Any]:
    """Return the proxy's container of a pod that runs: one, or none."""
    if pod.metadata.deletion_timestamp or pod.status.phase != "Running":
        return []
    return sidecar.containers(pod)


def _proxy(api: client.CoreV1Api, mesh: str, pod: Any, container: Any) -> Proxy:
    meta = pod.metadata
    learns = any(variable.name == _LEARNS_ROOTS and variable.value == "true" for variable in container.env or [])
    trust, trouble = None, ""
    try:
        forward, connection = sidecar.administration(api, meta.namespace, meta.name, 10)
        with closing(forward):
            connection.request("GET", proxy.ACTIVE_SECRETS)
            trust = proxy.parse(connection.getresponse().read().decode())
    except _ERRORS as error:
        trouble = str(getattr(error, "reason", None) or error).partition(" -+-+- ")[0]
    return Proxy(_workload(api, mesh, meta), meta.name, learns, trust, trouble)


def _workload(api: client.CoreV1Api, mesh: str, meta: Any) -> Workload:
    owner = next((one for one in meta.owner_references or [] if one.controller), None)
    if owner is None:
        return Workload(mesh, meta.namespace, "Pod", meta.name)
    if owner.kind == "ReplicaSet":
        found = client.AppsV1Api(api.api_client).read_namespaced_replica_set(owner.name, meta.namespace)
        owner = next((one for one in getattr(found.metadata, "owner_references", None) or [] if one.controller), owner)
    return Workload(mesh, meta.namespace, owner.kind, owner.name)
