"""The Istio objects of a mesh and of a federated service, as plain specs.

Pure functions: they take names, addresses and numbers, and return the `spec` of one object. They do not use Pulumi.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

Spec = dict[str, Any]

NAMESPACE = "istio-system"
GATEWAY = "istio-ingressgateway"
GATEWAY_SELECTOR = {"istio": "ingressgateway"}
INGRESS_PORT = 80
PEER_PORT = 15443
INGRESS_GATEWAY = "ingress"
PEER_GATEWAY = "peers"

API_VERSIONS = {
    "AuthorizationPolicy": "security.istio.io/v1",
    "DestinationRule": "networking.istio.io/v1",
    "EnvoyFilter": "networking.istio.io/v1alpha3",
    "Gateway": "networking.istio.io/v1",
    "PeerAuthentication": "security.istio.io/v1",
    "ServiceEntry": "networking.istio.io/v1",
    "VirtualService": "networking.istio.io/v1",
}

# Every federated port must be HTTP: otherwise there are no retries, and requests to a lost mesh fail.
PORT_NAME = "http"

# Linux's numbers: Envoy accepts socket options by number only.
_IPPROTO_TCP = 6
_TCP_USER_TIMEOUT = 18
_UNACKNOWLEDGED_MILLISECONDS = 3000

SAFE_METHODS = "GET|HEAD|OPTIONS|TRACE"
"""Methods whose requests may be repeated (RFC 9110, 9.2.1), as a regular expression."""
RETRIES_OF_SAFE_METHODS = {"attempts": 3, "retryOn": "connect-failure,refused-stream,reset,503"}
RETRIES = {"attempts": 3, "retryOn": "connect-failure,refused-stream,reset-before-request"}
"""Of all other methods: only a request that no application has seen is sent again."""


@dataclass(frozen=True)
class ServiceEndpoint:
    """The endpoint of a service in one mesh; `address` is an IP address or a DNS name.

    Without a `network`, the endpoint is in the network of the control plane's cluster.
    """

    mesh: str
    address: str
    port: int
    network: str | None = None


def local_host(name: str, namespace: str) -> str:
    """Return the name of a Service inside its own cluster."""
    return f"{name}.{namespace}.svc.cluster.local"


def principal(trust_domain: str, namespace: str, service_account: str) -> str:
    """Return a workload identity as AuthorizationPolicy writes it: SPIFFE without the scheme."""
    return f"{trust_domain}/ns/{namespace}/sa/{service_account}"


def any_principal(trust_domain: str) -> str:
    """Return the pattern of every identity of a trust domain."""
    return f"{trust_domain}/*"


def strict_mutual_tls() -> Spec:
    """Return the PeerAuthentication that rejects plaintext."""
    return {"mtls": {"mode": "STRICT"}}


def own_identities(trust_domain: str) -> Spec:
    """Return the mesh-wide AuthorizationPolicy that allows only a mesh's own workloads."""
    return {"action": "ALLOW", "rules": [{"from": [{"source": {"principals": [any_principal(trust_domain)]}}]}]}


def world_to_ingress() -> Spec:
    """Return the AuthorizationPolicy that lets anybody reach the gateway's ingress port.

    The port for peers needs no policy: Istio applies none to AUTO_PASSTHROUGH, and the workload behind it decides.
    """
    return {
        "selector": {"matchLabels": GATEWAY_SELECTOR},
        "action": "ALLOW",
        "rules": [{"to": [{"operation": {"ports": [str(INGRESS_PORT)]}}]}],
    }


def peer_gateway(hosts: Sequence[str]) -> Spec:
    """Return the Gateway for peers: it passes TLS through, by SNI, to the listed Services and to no other."""
    port = {"number": PEER_PORT, "name": "tls", "protocol": "TLS"}
    server = {"port": port, "tls": {"mode": "AUTO_PASSTHROUGH"}, "hosts": sorted(hosts)}
    return {"selector": GATEWAY_SELECTOR, "servers": [server]}


def ingress_gateway(hosts: Sequence[str]) -> Spec:
    """Return the Gateway for requests from outside: plain HTTP for the listed hosts."""
    port = {"number": INGRESS_PORT, "name": "http", "protocol": "HTTP"}
    return {"selector": GATEWAY_SELECTOR, "servers": [{"port": port, "hosts": sorted(hosts)}]}


def service_entry(host: str, port: int, endpoints: Sequence[ServiceEndpoint], identities: Sequence[str]) -> Spec:
    """Return the ServiceEntry that makes `host` one service with an endpoint per mesh.

    An endpoint's locality and its label `mesh` both name its mesh; Istio distributes requests by them. `identities`
    are the principals of the workloads that may answer.
    """
    return {
        "hosts": [host],
        "location": "MESH_INTERNAL",
        "resolution": "STATIC" if all(_is_ip(endpoint.address) for endpoint in endpoints) else "DNS",
        "ports": [{"number": port, "name": PORT_NAME, "protocol": "HTTP"}],
        "endpoints": [
            {
                "address": endpoint.address,
                "ports": {PORT_NAME: endpoint.port},
                "locality": endpoint.mesh,
                "labels": {"mesh": endpoint.mesh},
                **({"network": endpoint.network} if endpoint.network else {}),
            }
            for endpoint in endpoints
        ],
        "subjectAltNames": [f"spiffe://{identity}" for identity in identities],
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
            "minHealthPercent": 0,
        },
    }


def destination_rule(host: str, port: int, local: str, shares: Mapping[str, int], *, failover: bool) -> Spec:
    """Return the DestinationRule of a global name.

    `local` is the Service's name in its cluster, which is the SNI that the peers' gateways expect. `shares` (mesh:
    percent) are the localities' weights when `failover`; otherwise the VirtualService splits requests among subsets
    named after the meshes.
    """
    policy: Spec = {
        "tls": {"mode": "ISTIO_MUTUAL", "sni": f"outbound_.{port}_._.{local}"},
        **failure_detection(),
    }
    if failover:
        distribute = [{"from": "*", "to": {f"{mesh}/*": share for mesh, share in shares.items()}}]
        policy["loadBalancer"] = {"localityLbSetting": {"enabled": True, "distribute": distribute}}
        return {"host": host, "trafficPolicy": policy}
    policy["loadBalancer"] = {"localityLbSetting": {"enabled": False}}
    return {
        "host": host,
        "trafficPolicy": policy,
        "subsets": [{"name": mesh, "labels": {"mesh": mesh}} for mesh in shares],
    }


def virtual_service(
    hosts: Sequence[str], gateway: str, global_name: str, port: int, shares: Mapping[str, int], *, failover: bool
) -> Spec:
    """Return the VirtualService that routes `hosts` to the global name, and retries requests that failed to arrive.

    `gateway` is `mesh` for the sidecars, or a Gateway as `<namespace>/<name>`. Sidecars route requests to `port` alone:
    the Service's other ports are as they would be without the VirtualService.
    """
    destination = {"host": global_name, "port": {"number": port}}
    if failover:
        route = [{"destination": destination}]
    else:
        route = [{"destination": {**destination, "subset": mesh}, "weight": share} for mesh, share in shares.items()]
    asked = {"port": port} if gateway == "mesh" else {}
    http = [
        {
            "match": [{**asked, "method": {"regex": SAFE_METHODS}}],
            "route": route,
            "retries": RETRIES_OF_SAFE_METHODS,
        },
        {**({"match": [asked]} if asked else {}), "route": route, "retries": RETRIES},
    ]
    return {"hosts": list(hosts), "gateways": [gateway], "http": http}


def lost_peers(global_names: Sequence[str]) -> Spec:
    """Return the EnvoyFilter with the settings for lost peers that a DestinationRule does not have.

    A request on a connection whose other side has vanished would hang until the kernel gives up, a quarter of an hour
    later. TCP_USER_TIMEOUT resets the connection, so that Envoy retries the request elsewhere; it does not affect slow
    answers. Envoy also tries a mesh that was lost for a long time again within half a minute.
    """
    socket_option = {
        "description": "TCP_USER_TIMEOUT",
        "level": _IPPROTO_TCP,
        "name": _TCP_USER_TIMEOUT,
        "int_value": _UNACKNOWLEDGED_MILLISECONDS,
        "state": "STATE_PREBIND",
    }
    value = {
        "upstream_bind_config": {"socket_options": [socket_option]},
        "outlier_detection": {"max_ejection_time": "30s"},
    }
    return {
        "configPatches": [
            {
                "applyTo": "CLUSTER",
                "match": {"context": "ANY", "cluster": {"service": name}},
                "patch": {"operation": "MERGE", "value": value},
            }
            for name in sorted(global_names)
        ]
    }


def callers_allowed(selector: Mapping[str, str], workload_port: int | None, callers: Sequence[str]) -> Spec:
    """Return the AuthorizationPolicy that lets `callers` (principals; the list may be empty) reach the workload."""
    rule = {"from": [{"source": {"principals": list(callers)}}], **_to_port(workload_port)}
    return {"selector": {"matchLabels": dict(selector)}, "action": "ALLOW", "rules": [rule] if callers else []}


def others_denied(selector: Mapping[str, str], workload_port: int | None, callers: Sequence[str]) -> Spec:
    """Return the AuthorizationPolicy that denies everybody but `callers`, even the workload's own mesh."""
    # A rule without `from` holds for everybody; Istio rejects an empty list of principals.
    others = {"from": [{"source": {"notPrincipals": list(callers)}}]} if callers else {}
    rule = {**others, **_to_port(workload_port)}
    return {"selector": {"matchLabels": dict(selector)}, "action": "DENY", "rules": [rule]}


def _to_port(port: int | None) -> Spec:
    return {} if port is None else {"to": [{"operation": {"ports": [str(port)]}}]}


def _is_ip(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True
