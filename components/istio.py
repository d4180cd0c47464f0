"""The Istio objects of a mesh, and who may call a service, as plain specs.

Pure functions: they take names and numbers, and return the `spec` of one object. They do not use Pulumi.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from multimesh.injection import DEFAULT_REVISION

Spec = dict[str, Any]

NAMESPACE = "istio-system"
MANAGED = {"app.kubernetes.io/managed-by": "multimesh"}
"""The label of the namespaces that multimesh creates, and of what it creates outside namespaces."""
ISTIOD = f"istiod.{NAMESPACE}.svc"
ISTIOD_HOSTS = (ISTIOD, f"istiod-remote.{NAMESPACE}.svc", f"istio-pilot.{NAMESPACE}.svc")
"""The names in the own certificate of every istiod, as its `getDNSNames` chooses them."""
ISTIOD_TLS_PORTS = (15012, 15017)
"""Where istiod serves proxies, and the API server's webhooks."""
GATEWAY = "istio-ingressgateway"
JOINED_GATEWAY = "multimesh-gateway"
"""The gateway of a mesh that somebody else runs, and that has others: no Gateway of theirs selects its pods."""
NODE_AGENT = ("kube-system", "istio-cni")
"""The namespace and the Helm release of Istio's CNI node agent.

There pods may use folders of their node, and, on GKE, have the priority of a node's own programs.
"""
GATEWAY_SELECTOR = {"istio": "ingressgateway"}
INGRESS_PORT = 80
HTTPS_PORT = 443
PEER_PORT = 15443
INGRESS_GATEWAY = "ingress"
PEER_GATEWAY = "peers"
GATEWAY_PORTS = "gateway-ports"
"""The AuthorizationPolicy of the gateway."""

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


def istiod_hosts(revisions: Sequence[str]) -> list[str]:
    """Return the names in the own certificates of these revisions' istiods; `default` has no name of its own."""
    named = [f"istiod-{revision}.{NAMESPACE}.svc" for revision in sorted(revisions) if revision != DEFAULT_REVISION]
    return [*ISTIOD_HOSTS, *named]


def principal(trust_domain: str, namespace: str, service_account: str) -> str:
    """Return a workload identity as AuthorizationPolicy writes it: SPIFFE without the scheme."""
    return f"{trust_domain}/ns/{namespace}/sa/{service_account}"


def any_principal(trust_domain: str) -> str:
    """Return the pattern of every identity of a trust domain."""
    return f"{trust_domain}/*"


def strict_mutual_tls() -> Spec:
    """Return the PeerAuthentication that rejects plaintext."""
    return {"mtls": {"mode": "STRICT"}}


def gateway_ports(
    trust_domains: Sequence[str],
    ports: Sequence[int] = (INGRESS_PORT,),
    selector: Mapping[str, str] = MappingProxyType(GATEWAY_SELECTOR),
    *,
    istiod_from: Sequence[Any] | None = None,
) -> Spec:
    """Return the AuthorizationPolicy that closes all ports of the gateway but these to who is not of the mesh.

    `istiod_from` are the only CIDRs from which the ports of istiod are reached, if these are known.

    Like every policy of multimesh it only denies: an ALLOW would admit whom the user's own ALLOWs do not.
    https://istio.io/latest/docs/concepts/security/#implicit-enablement
    """
    # Istio adds no aliases to a principal with a wildcard.
    others = {"source": {"notPrincipals": [any_principal(domain) for domain in sorted(trust_domains)]}}
    open_to_all = {"operation": {"notPorts": [str(port) for port in sorted({*ports, PEER_PORT})]}}
    rules: list[Spec] = [{"from": [others], "to": [open_to_all]}]
    if istiod_from is not None:
        strangers = {"source": {"notIpBlocks": list(istiod_from)}}
        rules.append({"from": [strangers], "to": [{"operation": {"ports": [*map(str, ISTIOD_TLS_PORTS)]}}]})
    return {"selector": {"matchLabels": dict(selector)}, "action": "DENY", "rules": rules}


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


def others_denied(
    selector: Mapping[str, str], ports: Sequence[int], callers: Sequence[str], *, anonymous: bool = True
) -> Spec:
    """Return the AuthorizationPolicy that denies everybody but `callers` (principals; perhaps none) the pods' `ports`.

    Unless `anonymous`, it leaves alone who has no identity: requests in plaintext, which a PeerAuthentication admits.
    """
    others: Spec = {"notPrincipals": list(callers)} if callers else {}
    if not anonymous:
        others["principals"] = ["*"]
    # A rule without `from` holds for everybody; Istio rejects an empty list of principals.
    source = {"from": [{"source": others}]} if others else {}
    operation = {"operation": {"ports": [str(port) for port in ports]}}
    return {"selector": {"matchLabels": dict(selector)}, "action": "DENY", "rules": [{**source, "to": [operation]}]}


def foreign_denied(
    selector: Mapping[str, str],
    exported: Sequence[int],
    unlisted: Sequence[int],
    trust_domains: Sequence[str],
    federated: Sequence[str],
) -> Spec:
    """Return the AuthorizationPolicy that closes all ports of the pods but the `exported` to other meshes' identities.

    `trust_domains` are the mesh's own. A peer's request may name any port of a Service that the gateway forwards to, so
    those that are `unlisted` are closed to whatever else the mesh trusts, and the rest to the `federated` trust domains
    alone: whom somebody else lets in there is left alone, and so is plaintext, which has no identity.
    """
    own = [any_principal(domain) for domain in sorted(trust_domains)]
    ports, rest = [str(port) for port in unlisted], [str(port) for port in sorted({*exported, *unlisted})]
    rules = list[Spec]()
    if unlisted:
        others = {"principals": ["*"], "notPrincipals": own}
        rules.append({"from": [{"source": others}], "to": [{"operation": {"ports": ports}}]})
    if federated:
        peers = {"principals": [any_principal(domain) for domain in federated]}
        rules.append({"from": [{"source": peers}], "to": [{"operation": {"notPorts": rest}}]})
    return {"selector": {"matchLabels": dict(selector)}, "action": "DENY", "rules": rules}
