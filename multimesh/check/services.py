"""Checks of exported services: the Service, its pods, and what of others stands in the way of its calls."""

from collections.abc import Iterable, Iterator, Mapping

from multimesh.check.cluster import Cluster, Object, is_ready, labels_of
from multimesh.check.federation import Federation
from multimesh.check.injection import has_sidecar
from multimesh.check.made import Key
from multimesh.check.result import Check, Problem, Severity
from multimesh.contract import SAMPLE

_POD_SECURITY = "violates PodSecurity"
_LEVEL = "if it is the sidecar's init container: set istio.cni: true of the mesh (docs/hardening.md), or another level"


def exported(federation: Federation) -> Iterator[tuple[str, str, Cluster, Object | None]]:
    """Yield each chosen service (global name) with a mesh that exports it, its cluster, and the Service there."""
    for service in federation.services:
        name, namespace, _ = service.split(".", 2)
        for mesh in federation.exporters(service):
            cluster = federation.clusters[mesh]
            yield service, mesh, cluster, cluster.one("Service", name, namespace)


def _exists(federation: Federation) -> Iterable[Problem]:
    for service, mesh, _, found in exported(federation):
        name, namespace, _ = service.split(".", 2)
        if found is None:
            remedy = "create it, or remove the mesh from the service's entry in multimesh:services"
            yield Problem(f"{service} in {mesh}", f"there is no Service {name} in namespace {namespace}", remedy)
            continue
        there = {port["port"] for port in found["spec"].get("ports") or []}
        for port in federation.services[service]:
            if port.number not in there:
                has = ", ".join(map(str, sorted(there)))
                cause = f"the Service has no port {port.number}, only {has}"
                yield Problem(f"{service} in {mesh}", cause, "add the port, or run `pulumi up` with those it has")


def pods(cluster: Cluster, service: Object) -> list[Object]:
    """Return the pods that a Service selects."""
    return cluster.selected("Pod", service["metadata"]["namespace"], service["spec"].get("selector") or {})


def _ready(federation: Federation) -> Iterable[Problem]:
    for service, mesh, cluster, found in exported(federation):
        selector = (found or {}).get("spec", {}).get("selector")
        if found is None or not selector:
            continue
        selected = pods(cluster, found)
        if not any(is_ready(pod) for pod in selected):
            labels = ",".join(f"{name}={value}" for name, value in selector.items())
            cause = f"none of the {len(selected)} pods with {labels} is ready" if selected else f"no pod has {labels}"
            namespace = found["metadata"]["namespace"]
            remedy = f"kubectl -n {namespace} get pods -l {labels}"
            if refusal := _refusal(cluster, namespace, selector):
                cause += f": {refusal}"
                remedy = _LEVEL if _POD_SECURITY in refusal else f"kubectl -n {namespace} describe replicasets"
            yield Problem(f"{service} in {mesh}", cause, remedy)


def _refusal(cluster: Cluster, namespace: str, selector: Mapping[str, str]) -> str | None:
    """Return why the API server refuses pods that a Service would select; None if it refuses none."""
    for one in cluster.all("ReplicaSet", namespace):
        if selector.items() <= labels_of(one["spec"]["template"]).items():
            for condition in (one.get("status") or {}).get("conditions") or []:
                if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
                    return condition.get("message") or condition.get("reason")
    return None


def _sidecars(federation: Federation) -> Iterable[Problem]:
    for service, mesh, cluster, found in exported(federation):
        without = [pod["metadata"]["name"] for pod in (pods(cluster, found) if found else []) if not has_sidecar(pod)]
        if without:
            namespace = service.split(".")[1]
            cause = f"{len(without)} of its pods have no sidecar: {', '.join(without[:3])}"
            remedy = f"{cluster.plane.command(namespace)}, then restart the pods"
            yield Problem(f"{service} in {mesh}", cause, remedy)


def _injected(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in federation.clusters.items():
        if cluster.injects:
            cause = f"a new pod in namespace {SAMPLE.namespace} would have no sidecar: {cluster.injects}"
            yield Problem(mesh, cause, "see whether the API server reaches istiod's webhook, and its labels")


def _plaintext(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in federation.clusters.items():
        own = federation.made.objects.get(mesh, {})
        namespaces = {service.split(".")[1] for service in federation.services if mesh in federation.exporters(service)}
        for found in cluster.all("PeerAuthentication"):
            about, mode = found["metadata"], (found["spec"].get("mtls") or {}).get("mode")
            key = Key("PeerAuthentication", about["namespace"], about["name"])
            if (
                key in own
                or about["namespace"] not in {*namespaces, cluster.plane.root_namespace}
                or mode in (None, "UNSET", "STRICT")
            ):
                continue
            remedy = f"kubectl -n {key.namespace} delete {key.kind} {key.name}"
            if mode == "DISABLE":
                yield Problem(mesh, f"{key} turns mutual TLS off: calls from other meshes fail", remedy)
            else:
                yield Problem(mesh, f"{key} admits plaintext: callers are not checked", remedy, Severity.WARNING)


def _hidden(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in federation.clusters.items():
        for found in cluster.all("Sidecar"):
            about = found["metadata"]
            hosts = [host for egress in found["spec"].get("egress") or [] for host in egress.get("hosts") or []]
            root = cluster.plane.root_namespace
            for service in federation.services if hosts else ():
                if not any(_shows(host, about["namespace"], service, root) for host in hosts):
                    cause = f"Sidecar {about['namespace']}/{about['name']} hides it from pods of this namespace"
                    if about["namespace"] == root:
                        cause = f"Sidecar {about['namespace']}/{about['name']} hides it from all pods"
                    remedy = f'add "{root}/{service}" to its egress hosts'
                    yield Problem(f"{service} in {mesh}", cause, remedy)


def _shows(host: str, namespace: str, service: str, root: str) -> bool:
    """Return whether an egress host of a Sidecar shows the ServiceEntry of a global name, which is in `root`."""
    where, _, name = host.partition("/")
    if where == ".":
        where = namespace
    return where in ("*", root) and (name in ("*", service) or (name[:1] == "*" and service.endswith(name[1:])))


CHECKS = [
    Check("service", "Services", "every exporter has the Service and its ports", _exists),
    Check("service-pods", "Services", "every exported Service has ready pods", _ready),
    Check("sidecars", "Services", "the pods of exported Services have sidecars", _sidecars),
    Check("injection", "Services", "new pods get sidecars: the webhook answers", _injected),
    Check("mutual-tls", "Services", "exported Services take mutual TLS alone", _plaintext),
    Check("sidecar-scope", "Services", "no Sidecar hides a service", _hidden),
]
