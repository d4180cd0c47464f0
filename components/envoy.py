"""What no Istio object can say of a federated service, as EnvoyFilters: plain specs, from pure functions."""

from collections.abc import Sequence

from components.istio import Spec
from components.ports import Port
from components.routing import Endpoint

# Linux's numbers: Envoy accepts socket options by number only.
_IPPROTO_TCP = 6
_TCP_USER_TIMEOUT = 18
_UNACKNOWLEDGED_MILLISECONDS = 3000

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
