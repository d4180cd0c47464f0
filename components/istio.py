"""The Istio objects of a mesh, and who may call a service, as plain specs.

Pure functions: they take names and numbers, and return the `spec` of one object. They do not use Pulumi.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Spec = dict[str, Any]

NAMESPACE = "istio-system"
MANAGED = {"app.kubernetes.io/managed-by": "multimesh"}
"""The label of the namespaces that multimesh creates, and of what it creates outside namespaces."""
ISTIOD = f"istiod.{NAMESPACE}.svc"
ISTIOD_HOSTS = (ISTIOD, f"istiod-remote.{NAMESPACE}.svc", f"istio-pilot.{NAMESPACE}.svc")
"""The names in istiod's own certificate, as its `getDNSNames` chooses them."""
ISTIOD_TLS_PORTS = (15012, 15017)
"""Where istiod serves proxies, and the API server's webhooks."""
GATEWAY = "istio-ingressgateway"
JOINED_GATEWAY = "multimesh-gateway"
"""The gateway of a mesh that somebody else runs, and that has others: no Gateway of theirs selects its pods."""
GATEWAY_SELECTOR = {"istio": "ingressgateway"}
INGRESS_PORT = 80
HTTPS_PORT = 443
PEER_PORT = 15443
INGRESS_GATEWAY = "ingress"
PEER_GATEWAY = "peers"

API_VERSIONS = {
    "AuthorizationPolicy": "security.istio.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "DestinationRule": "networking.istio.io/v1",
    "EnvoyFilter": "networking.istio.io/v1alpha3",
    "Gateway": "networking.istio.io/v1",
    "PeerAuthentication": "security.istio.io/v1",
    "ServiceEntry": "networking.istio.io/v1",
    "VirtualService": "networking.istio.io/v1",
}


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


def own_identities(trust_domains: Sequence[str]) -> Spec:
    """Return the mesh-wide AuthorizationPolicy that allows only a mesh's own workloads."""
    # Istio adds no aliases to a principal with a wildcard.
    own = [any_principal(domain) for domain in sorted(trust_domains)]
    return {"action": "ALLOW", "rules": [{"from": [{"source": {"principals": own}}]}]}


def world_to_ingress(ports: Sequence[int] = (INGRESS_PORT,)) -> Spec:
    """Return the AuthorizationPolicy that lets anybody reach the gateway's ingress ports.

    The port for peers needs no policy: Istio applies none to AUTO_PASSTHROUGH, and the workload behind it decides.
    """
    return {
        "selector": {"matchLabels": GATEWAY_SELECTOR},
        "action": "ALLOW",
        "rules": [_to(ports)],
    }


def istiod_by_tls_alone() -> Spec:
    """Return the NetworkPolicy that closes every port of istiod to other pods but those with TLS: xDS and webhooks.

    It holds where the cluster's network enforces policies. The node itself, which probes istiod, is never refused.
    https://kubernetes.io/docs/concepts/services-networking/network-policies/
    """
    ports = [{"protocol": "TCP", "port": port} for port in ISTIOD_TLS_PORTS]
    return {
        "podSelector": {"matchLabels": {"app": "istiod"}},
        "policyTypes": ["Ingress"],
        "ingress": [{"ports": ports}],
    }


def peer_gateway(hosts: Sequence[str]) -> Spec:
    """Return the Gateway for peers: it passes TLS through, by SNI, to the listed Services and to no other."""
    port = {"number": PEER_PORT, "name": "tls", "protocol": "TLS"}
    server = {"port": port, "tls": {"mode": "AUTO_PASSTHROUGH"}, "hosts": sorted(hosts)}
    return {"selector": GATEWAY_SELECTOR, "servers": [server]}


def ingress_gateway(hosts: Sequence[str]) -> Spec:
    """Return the Gateway for requests from outside: plain HTTP for the listed hosts.

    Only routes of its own namespace bind to it (`./`), so no other namespace's VirtualService takes its requests.
    """
    port = {"number": INGRESS_PORT, "name": "http", "protocol": "HTTP"}
    return {"selector": GATEWAY_SELECTOR, "servers": [{"port": port, "hosts": [f"./{host}" for host in sorted(hosts)]}]}


def callers_allowed(selector: Mapping[str, str], ports: Sequence[int], callers: Sequence[str]) -> Spec:
    """Return the AuthorizationPolicy that lets `callers` (principals; perhaps none) reach the pods' `ports`."""
    rule = {"from": [{"source": {"principals": list(callers)}}], **_to(ports)}
    return {"selector": {"matchLabels": dict(selector)}, "action": "ALLOW", "rules": [rule] if callers else []}


def other_ports(
    ports: Sequence[int], unlisted: Sequence[int], trust_domains: Sequence[str], federated: Sequence[str]
) -> list[Spec]:
    """Return the rules that leave all but the exported `ports` of the pods as they were: an ALLOW closes the rest.

    A peer's gateway request may name any port of a Service that the gateway lists. So the `unlisted` ports of it are
    for the mesh's own identities, and no identity of the `federated` trust domains reaches any other port.
    """
    own = {"from": [{"source": {"principals": [*map(any_principal, trust_domains)]}}], **_to(unlisted)}
    others = {"from": [{"source": {"notPrincipals": [any_principal(of) for of in federated]}}]} if federated else {}
    rest = {"to": [{"operation": {"notPorts": [str(port) for port in sorted({*ports, *unlisted})]}}]}
    return [*([own] if unlisted else []), {**others, **rest}]


def others_denied(selector: Mapping[str, str], ports: Sequence[int], callers: Sequence[str]) -> Spec:
    """Return the AuthorizationPolicy that denies everybody but `callers`, even the workload's own mesh."""
    # A rule without `from` holds for everybody; Istio rejects an empty list of principals.
    others = {"from": [{"source": {"notPrincipals": list(callers)}}]} if callers else {}
    return {"selector": {"matchLabels": dict(selector)}, "action": "DENY", "rules": [{**others, **_to(ports)}]}


def _to(ports: Sequence[int]) -> Spec:
    return {"to": [{"operation": {"ports": [str(port) for port in ports]}}]}
