"""The Istio objects that route a federated service, as plain specs.

Pure functions: they take names, addresses and numbers, and return the `spec` of one object.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.istio import Spec
from components.ports import Port

SAFE_METHODS = "GET|HEAD|OPTIONS|TRACE"
"""Methods whose requests may be repeated (RFC 9110, 9.2.1), as a regular expression."""
RETRIES_OF_SAFE_METHODS = {"attempts": 3, "retryOn": "connect-failure,refused-stream,reset,503"}
RETRIES = {"attempts": 3, "retryOn": "connect-failure,refused-stream,reset-before-request"}
"""Of all other methods, and of gRPC: only a request that no application has seen is sent again."""
MUTUAL_TLS = {"security.istio.io/tlsMode": "istio"}
"""The label of an endpoint that has a sidecar; of a pod, istiod knows it by itself."""


@dataclass(frozen=True)
class Endpoint:
    """The endpoint of a service in one mesh; `address` is an IP address or a DNS name.

    `ports` are by the port of the service. Without a `network`, the endpoint is in the network of the control plane's
    cluster. `share` is the mesh's, in percent.
    """

    mesh: str
    address: str
    ports: Mapping[int, int]
    network: str | None = None
    share: int = 0


@dataclass(frozen=True)
class Split:
    """How requests are divided: by `shares` (mesh: percent), or by `priority`, which orders endpoints by their labels.

    With `subsets`, the VirtualService divides them among subsets named after the meshes, and no mesh takes over the
    share of a lost one. With neither shares nor subsets, all endpoints are equal.
    """

    shares: Mapping[str, int] = field(default_factory=dict)
    subsets: bool = False
    priority: Sequence[str] = ()
    """Istio's `failoverPriority`; never with `resolution: DNS`, where istiod 1.31 ends with "index out of range"."""

    @property
    def load_balancer(self) -> Spec:
        """The load balancer of a traffic policy."""
        if self.priority:
            return {"localityLbSetting": {"enabled": True, "failoverPriority": list(self.priority)}}
        if self.subsets or not self.shares:
            return {"localityLbSetting": {"enabled": False}}
        distribute = [{"from": "*", "to": {f"{mesh}/*": share for mesh, share in self.shares.items()}}]
        return {"localityLbSetting": {"enabled": True, "distribute": distribute}}


@dataclass(frozen=True)
class Requests:
    """How HTTP requests are treated: `timeout` is Istio's duration; `retries` replace those by method."""

    timeout: str | None = None
    retries: Mapping[str, Any] | None = None


def workload_entry(endpoint: Endpoint, ports: Sequence[Port]) -> Spec:
    """Return an endpoint of a service with these ports, as a ServiceEntry has it.

    Its locality and its label `mesh` both name its mesh; Istio distributes requests by them.
    """
    return {
        "address": endpoint.address,
        "ports": {port.name: endpoint.ports[port.number] for port in ports},
        "locality": endpoint.mesh,
        "labels": {"mesh": endpoint.mesh},
        **({"network": endpoint.network} if endpoint.network else {}),
    }


def service_entry(host: str, ports: Sequence[Port], entries: Sequence[Spec], identities: Sequence[str]) -> Spec:
    """Return the ServiceEntry that makes `host` one service with an endpoint per mesh.

    `entries` are its endpoints as `workload_entry` returns them; `identities` are the principals of the workloads that
    may answer.
    """
    return {
        **alias(host, ports),
        # Of addresses alone, this would be STATIC; but `envoy.standby` adds to what Envoy resolves itself.
        "resolution": "DNS",
        "endpoints": list(entries),
        "subjectAltNames": [f"spiffe://{identity}" for identity in identities],
    }


def asked_for(host: str, ports: Sequence[Port], entry: Spec) -> Spec:
    """Return the ServiceEntry that gives a Service another name in the gateway of its mesh, and in no sidecar.

    A gateway with `AUTO_PASSTHROUGH` forwards by the names of Services, which end with its own cluster's domain, and to
    endpoints with a sidecar alone.
    """
    endpoint = {**entry, "labels": {**entry["labels"], **MUTUAL_TLS}}
    return {**alias(host, ports), "resolution": "DNS", "endpoints": [endpoint], "exportTo": ["."]}


def alias(host: str, ports: Sequence[Port]) -> Spec:
    """Return the ServiceEntry that gives `host` an address, so that it resolves; a VirtualService routes requests."""
    return {
        "hosts": [host],
        "location": "MESH_INTERNAL",
        "resolution": "STATIC",
        "ports": [{"number": port.number, "name": port.name, "protocol": port.istio_protocol} for port in ports],
    }


def failure_detection() -> Spec:
    """Return the part of a traffic policy that stops sending requests to a lost endpoint."""
    return {
        "connectionPool": {"tcp": {"connectTimeout": "500ms"}},
        "outlierDetection": {
            # A connection that is refused, times out or is reset is a sign of a lost mesh. A response is none, whatever
            # its status: a gateway that cannot pass a request on closes the connection, so an application sent it.
            "splitExternalLocalOriginErrors": True,
            "consecutiveLocalOriginFailures": 2,
            "consecutive5xxErrors": 0,
            "consecutiveGatewayErrors": 0,
            "interval": "1s",
            "baseEjectionTime": "5s",
            "maxEjectionPercent": 100,
            # With every endpoint ejected, or the only one, Envoy asks them all again: there is nowhere else to go.
            "minHealthPercent": 1,
        },
    }


def destination_rule(host: str, ports: Sequence[Port], local: str, split: Split) -> Spec:
    """Return the DestinationRule of a global name.

    `local` is the Service's name in its cluster, which is in the SNI that the peers' gateways expect.
    """
    policies = [
        {
            "port": {"number": port.number},
            "tls": {"mode": "ISTIO_MUTUAL", "sni": f"outbound_.{port.number}_._.{local}"},
            **failure_detection(),
            "loadBalancer": split.load_balancer,
        }
        for port in ports
    ]
    return _rule(host, policies, split, "mesh")


def own_name_rule(local: str, ports: Sequence[Port], split: Split, cluster_label: str) -> Spec:
    """Return the DestinationRule of a Service's own name in a single mesh: it changes the listed ports alone.

    Subsets are named after the clusters, by the label `cluster_label` that istiod gives endpoints.
    """
    policies = [
        {"port": {"number": port.number}, **failure_detection(), "loadBalancer": split.load_balancer} for port in ports
    ]
    return _rule(local, policies, split, cluster_label)


def _rule(host: str, policies: Sequence[Spec], split: Split, label: str) -> Spec:
    rule: Spec = {"host": host, "trafficPolicy": {"portLevelSettings": policies}}
    if split.subsets:
        rule["subsets"] = [{"name": mesh, "labels": {label: mesh}} for mesh in split.shares]
    return rule


def virtual_service(hosts: Sequence[str], target: str, ports: Sequence[Port], split: Split, requests: Requests) -> Spec:
    """Return the VirtualService for the sidecars: it routes `hosts` to the host `target`, each port to the same port.

    The hosts' other ports are as they would be without it.
    """
    spec: Spec = {"hosts": list(hosts), "gateways": ["mesh"]}
    if http := [
        rule
        for port in ports
        if port.is_http
        for rule in _http(port, _destinations(target, port, split), requests, {"port": port.number})
    ]:
        spec["http"] = http
    if tcp := [
        {"match": [{"port": port.number}], "route": _destinations(target, port, split)}
        for port in ports
        if not port.is_http
    ]:
        spec["tcp"] = tcp
    return spec


def ingress_route(
    hosts: Sequence[str], gateway: str, target: str, port: Port, split: Split, requests: Requests
) -> Spec:
    """Return the VirtualService that routes requests from outside to one HTTP port of the host `target`.

    `gateway` is a Gateway as `<namespace>/<name>`.
    """
    http = _http(port, _destinations(target, port, split), requests, {})
    return {"hosts": list(hosts), "gateways": [gateway], "http": http}


def _destinations(target: str, port: Port, split: Split) -> list[Spec]:
    destination = {"host": target, "port": {"number": port.number}}
    if not split.subsets:
        return [{"destination": destination}]
    return [{"destination": {**destination, "subset": mesh}, "weight": share} for mesh, share in split.shares.items()]


def _http(port: Port, route: Sequence[Spec], requests: Requests, asked: Mapping[str, Any]) -> list[Spec]:
    """Return the routes of one HTTP port: safe methods apart, unless all requests are retried alike."""
    common: Spec = {"route": route, **({"timeout": requests.timeout} if requests.timeout else {})}
    others = {**({"match": [dict(asked)]} if asked else {}), **common, "retries": dict(requests.retries or RETRIES)}
    if requests.retries or port.protocol == "grpc":
        return [others]
    safe = [{**asked, "method": {"regex": SAFE_METHODS}}]
    return [{"match": safe, **common, "retries": dict(RETRIES_OF_SAFE_METHODS)}, others]
