"""What is in the cluster of one mesh, as its API server tells it: read once, then looked at by every check."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

from multimesh import gateway_api
from multimesh.check.injection import no_sidecar
from multimesh.connection import UnreachableError
from multimesh.control_plane import INSTALLED, ControlPlane

_SECONDS = 10
_LOGIN = ["BearerToken"]
"""What the Kubernetes client calls the kubeconfig's credentials."""
_AT_ONCE = 8
_NETWORKING, _SECURITY = "/apis/networking.istio.io/v1", "/apis/security.istio.io/v1"
_KINDS = {
    "AuthorizationPolicy": f"{_SECURITY}/authorizationpolicies",
    "DestinationRule": f"{_NETWORKING}/destinationrules",
    "EnvoyFilter": "/apis/networking.istio.io/v1alpha3/envoyfilters",
    "Gateway": f"{_NETWORKING}/gateways",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/networkpolicies",
    "PeerAuthentication": f"{_SECURITY}/peerauthentications",
    "ServiceEntry": f"{_NETWORKING}/serviceentries",
    "Sidecar": f"{_NETWORKING}/sidecars",
    "VirtualService": f"{_NETWORKING}/virtualservices",
    "MutatingWebhookConfiguration": "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "Namespace": "/api/v1/namespaces",
}
"""Kinds of which all objects of a cluster are read."""
_CACERTS = {
    "ca-cert.pem": ("tls.crt", "ca-cert.pem"),
    "cert-chain.pem": ("tls.crt", "cert-chain.pem"),
    "root-cert.pem": ("ca.crt", "root-cert.pem"),
    "ca-crl.pem": ("ca-crl.pem",),
}
"""What is public in the Secret `cacerts`, and the keys that it may have there: the last that is there holds."""
_NAMESPACED = {
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
    "Pod": "/api/v1/namespaces/{}/pods",
    "ReplicaSet": "/apis/apps/v1/namespaces/{}/replicasets",
    "Service": "/api/v1/namespaces/{}/services",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
}
"""Kinds that are read in the namespaces of Istio and of exported services."""

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Cluster:
    """What is in a cluster. `objects` are by kind, as JSON."""

    objects: Mapping[str, Sequence[Object]]
    cacerts: Mapping[str, str] = field(default_factory=dict)
    """The certificates of the Secret `cacerts`, base64 of PEM, without the key; empty if there is none."""
    cacerts_changed: datetime | None = None
    """When that Secret was last written."""
    seconds_ahead: float = 0.0
    """How far the API server's clock is ahead of this machine's."""
    refused: Sequence[str] = ()
    """What may not be read: kinds."""
    plane: ControlPlane = INSTALLED
    """Where its control plane is."""
    injects: str = ""
    """Why a new pod beside the sample would have no sidecar; empty if it would, or cannot be tried."""

    def all(self, kind: str, namespace: str | None = None) -> list[Object]:
        """Return the objects of a kind; those of one namespace, if it is given."""
        found = self.objects.get(kind, ())
        return [one for one in found if namespace in (None, one["metadata"].get("namespace"))]

    def one(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """Return an object; None if there is none of this name."""
        for found in self.objects.get(kind, ()):
            about = found["metadata"]
            if about["name"] == name and about.get("namespace", "") == namespace:
                return found
        return None

    def selected(self, kind: str, namespace: str, labels: Mapping[str, str]) -> list[Object]:
        """Return the objects of a namespace that have all these labels; none without labels."""
        return [one for one in self.all(kind, namespace) if labels and labels.items() <= labels_of(one).items()]

    @property
    def istiod_labels(self) -> dict[str, str]:
        """The labels of istiod's Deployments and pods: of any revision, or of the one that is joined."""
        revision = {} if self.plane.installed or not self.plane.suffix else {"istio.io/rev": self.plane.revision}
        return {"app": "istiod", **revision}

    @property
    def is_served(self) -> bool:
        """Whether another cluster's control plane serves this one."""
        return self.one("EndpointSlice", "istiod-primary", self.plane.namespace) is not None


def labels_of(found: Object) -> Mapping[str, str]:
    """Return the labels of an object."""
    return found["metadata"].get("labels") or {}


def is_ready(pod: Object) -> bool:
    """Return whether a pod is ready and stays."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def read_cluster(api: client.ApiClient, namespaces: Sequence[str], plane: ControlPlane = INSTALLED) -> Cluster:
    """Return what is in a cluster, and in these namespaces beside Istio's. Raise UnreachableError."""
    paths = {path: kind for kind, path in _KINDS.items()}
    for namespace in {plane.namespace, plane.root_namespace, *namespaces}:
        paths |= {path.format(namespace): kind for kind, path in _NAMESPACED.items()}
    status, headers, _ = _get(api, "/version")
    if status != HTTPStatus.OK:
        raise UnreachableError(f"its API server answers {status}")
    objects: dict[str, list[Object]] = {kind: [] for kind in (*_KINDS, *_NAMESPACED, *gateway_api.KINDS)}
    refused: list[str] = []
    paths |= {path: kind for kind, path in gateway_api.paths(lambda path: _found(api, path)).items()}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = pool.map(lambda path: _get(api, path), paths)
        for kind, (status, _, answer) in zip(paths.values(), answers, strict=True):
            if status == HTTPStatus.OK:
                objects[kind] += answer.get("items") or []
            elif status != HTTPStatus.NOT_FOUND:
                refused.append(f"{kind} ({status})")
    status, _, secret = _get(api, f"/api/v1/namespaces/{plane.namespace}/secrets/cacerts")
    if status not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
        refused.append(f"Secret cacerts ({status})")
    lack = no_sidecar(lambda path, pod: _ask(api, "POST", path, pod))
    public = public_parts(secret.get("data") or {})
    changed = written(secret.get("metadata") or {})
    return Cluster(objects, public, changed, _ahead(headers), sorted(set(refused)), plane, lack)


def written(metadata: Mapping[str, Any]) -> datetime | None:
    """Return when an object was last written, by its metadata; None if it does not say."""
    times = [one.get("time") for one in metadata.get("managedFields") or []] + [metadata.get("creationTimestamp")]
    return max((datetime.fromisoformat(one) for one in times if one), default=None)


def public_parts(cacerts: Mapping[str, str]) -> dict[str, str]:
    """Return the certificates and revocation lists of the Secret `cacerts` (base64), without the CA's key.

    Its keys are those of Istio's documentation, or those that cert-manager writes:
    https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/
    """
    return {name: cacerts[key] for name, keys in _CACERTS.items() for key in keys if key in cacerts}


def in_parallel(work: Sequence[Callable[[], Any]], at_once: int | None = None) -> list[Any]:
    """Run functions at the same time, or so many at once; return what each returned, in their order."""
    with ThreadPoolExecutor(at_once or max(1, len(work))) as pool:
        return [started.result() for started in [pool.submit(one) for one in work]]


def _get(api: client.ApiClient, path: str) -> tuple[int, Mapping[str, str], dict[str, Any]]:
    return _ask(api, "GET", path)


def _ask(
    api: client.ApiClient, method: str, path: str, body: Any = None
) -> tuple[int, Mapping[str, str], dict[str, Any]]:
    """Return the status, the headers and the JSON of an answer. Raise UnreachableError if there is none."""
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    request = api.param_serialize(method, path, header_params=headers, body=body, auth_settings=_LOGIN)
    try:
        answer = api.call_api(*request, _request_timeout=_SECONDS)
        answer.read()
    except (HTTPError, OSError) as error:
        raise UnreachableError(f"its API server does not answer: {getattr(error, 'reason', None) or error}") from None
    if answer.status == HTTPStatus.NOT_FOUND:  # for a kind that the API server does not know, it is no JSON
        return answer.status, answer.getheaders(), {}
    try:
        return answer.status, answer.getheaders(), dict(json.loads(answer.data or b"{}"))
    except (ValueError, TypeError):
        raise UnreachableError(f"what answers at its address is no API server: {path} is not JSON") from None


def _found(api: client.ApiClient, path: str) -> dict[str, Any] | None:
    """Return the JSON of an answer; None unless the API server has one. Raise UnreachableError if it is silent."""
    status, _, answer = _get(api, path)
    return answer if status == HTTPStatus.OK else None


def _ahead(headers: Mapping[str, str]) -> float:
    """Return how many seconds the clock in the headers of an answer is ahead; 0 if it says no time."""
    if not (said := headers.get("Date")):
        return 0.0
    return (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds()
