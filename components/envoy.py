"""What no Istio object can say of a federated service, as EnvoyFilters: plain specs, from pure functions."""

from collections.abc import Mapping, Sequence

from components.istio import Spec
from components.ports import Port
from components.routing import Endpoint

# Linux's numbers: Envoy accepts socket options by number only.
_IPPROTO_TCP = 6
_TCP_USER_TIMEOUT = 18
_UNACKNOWLEDGED_MILLISECONDS = 3000

_FOREIGN = "multimesh.foreign_identities"
"""What the filter is called that closes pods to identities of other meshes."""

_CONNECT_RETRIES = {
    # A connection that times out takes all others with it that wait for the same endpoint, and costs each an attempt.
    # So the attempts must outlast the two failures that eject an endpoint, until all threads have learned of it.
    "max_connect_attempts": 8,
    "backoff_options": {"base_interval": "0.05s", "max_interval": "0.25s"},
}


def lost_peers(hosts: Sequence[str]) -> Spec:
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
                "match": {"context": "ANY", "cluster": {"service": host}},
                "patch": {"operation": "MERGE", "value": value},
            }
            for host in sorted(hosts)
        ]
    }


def standby(host: str, ports: Sequence[Port], tiers: Sequence[Sequence[Endpoint]]) -> Spec:
    """Return the EnvoyFilter that gives a ServiceEntry's `host` further endpoints, for when its own are lost.

    `tiers` are in the order in which they take over; in a tier, endpoints answer by their shares. Istio's own
    `failoverPriority` cannot be used: see `Split.priority`.
    """
    return {
        "configPatches": [
            {
                "applyTo": "CLUSTER",
                "match": {"context": "ANY", "cluster": {"service": host, "portNumber": port.number}},
                "patch": {
                    "operation": "MERGE",
                    "value": {
                        "load_assignment": {
                            "endpoints": [
                                _locality_endpoints(endpoint, port, priority)
                                for priority, tier in enumerate(tiers, start=1)
                                for endpoint in tier
                            ]
                        }
                    },
                },
            }
            for port in ports
        ]
    }


def _locality_endpoints(endpoint: Endpoint, port: Port, priority: int) -> Spec:
    address = {"socket_address": {"address": endpoint.address, "port_value": endpoint.ports[port.number]}}
    return {
        "priority": priority,
        "locality": {"region": endpoint.mesh},
        "lb_endpoints": [{"endpoint": {"address": address}, "load_balancing_weight": endpoint.share}],
    }


def connect_attempts(ports: Sequence[Port]) -> Spec:
    """Return the EnvoyFilter that tries a new TCP connection on several endpoints; no other Istio object can.

    Envoy's TCP proxies are patched by their port number, so other services of the same port in the mesh are tried as
    often. https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto
    """
    proxy = "envoy.filters.network.tcp_proxy"
    kind = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
    return {
        "configPatches": [
            {
                "applyTo": "NETWORK_FILTER",
                "match": {
                    "context": "SIDECAR_OUTBOUND",
                    "listener": {"portNumber": port.number, "filterChain": {"filter": {"name": proxy}}},
                },
                "patch": {
                    "operation": "MERGE",
                    "value": {"name": proxy, "typed_config": {"@type": kind, **_CONNECT_RETRIES}},
                },
            }
            for port in ports
            if not port.is_http
        ]
    }


def foreign_refused(trust_domains: Sequence[str]) -> Spec:
    """Return the EnvoyFilter that closes every port of every pod of a mesh to identities of other meshes.

    An AuthorizationPolicy cannot: a DENY for all pods has no exception for some of them, and an ALLOW would annul the
    user's own. Plaintext has no identity and is left to PeerAuthentications.
    https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/network/rbac/v3/rbac.proto
    """
    own = [{"authenticated": {"principal_name": {"prefix": f"spiffe://{domain}/"}}} for domain in sorted(trust_domains)]
    foreign = {"and_ids": {"ids": [{"authenticated": {}}, {"not_id": {"or_ids": {"ids": own}}}]}}
    policies = {_FOREIGN: {"permissions": [{"any": True}], "principals": [foreign]}}
    value = {
        "name": _FOREIGN,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC",
            "stat_prefix": f"{_FOREIGN}.",
            "rules": {"action": "DENY", "policies": policies},
        },
    }
    listener = {"filterChain": {"transportProtocol": "tls"}}
    return {
        "configPatches": [
            {
                "applyTo": "NETWORK_FILTER",
                "match": {"context": "SIDECAR_INBOUND", "listener": listener},
                "patch": {"operation": "INSERT_FIRST", "value": value},
            }
        ]
    }


def foreign_admitted(selector: Mapping[str, str], ports: Sequence[int]) -> Spec:
    """Return the EnvoyFilter that takes the filter of `foreign_refused` from some `ports` of the pods selected.

    Patches of the root namespace come first, then those of the pods' own; in one namespace, by `priority`.
    https://istio.io/latest/docs/reference/config/networking/envoy-filter/#EnvoyFilter-priority
    """
    return {
        "workloadSelector": {"labels": dict(selector)},
        "priority": 10,
        "configPatches": [
            {
                "applyTo": "NETWORK_FILTER",
                "match": {
                    "context": "SIDECAR_INBOUND",
                    "listener": {"filterChain": {"destinationPort": port, "filter": {"name": _FOREIGN}}},
                },
                "patch": {"operation": "REMOVE"},
            }
            for port in ports
        ],
    }


def opened_ports(spec: Spec) -> list[int]:
    """Return the ports of pods that an EnvoyFilter opens to identities of other meshes."""
    removing = [one for one in spec["configPatches"] if one["patch"]["operation"] == "REMOVE"]
    return [one["match"]["listener"]["filterChain"]["destinationPort"] for one in removing]
