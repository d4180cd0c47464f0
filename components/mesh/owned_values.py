"""The Helm values that multimesh decides: with others, a mesh would not work, or not with its peers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from components.istio import GATEWAY, HTTPS_PORT, INGRESS_PORT, ISTIOD_HOSTS, NAMESPACE, PEER_PORT
from components.mesh.primary_remote import ISTIOD_PORT, WEBHOOK_PORT
from components.mesh.roles import JOINED
from components.objects import OWNER

STATUS_PORT = 15021
GATEWAY_PORTS = {
    STATUS_PORT: "status-port",
    INGRESS_PORT: "http2",
    PEER_PORT: "tls",
    ISTIOD_PORT: "tls-istiod",
    WEBHOOK_PORT: "tls-webhook",
}
"""The ports of the gateway's Service that multimesh sets, and their names."""
HTTPS = {HTTPS_PORT: "https"}
"""The port of the gateway's Service that multimesh sets if the ingress has HTTPS, and its name."""
ADDED = (("istiod", "extraContainerArgs"), ("gateway", "volumes"), ("gateway", "volumeMounts"))
"""Lists of multimesh, by chart and key, to which the user's are added."""
ROOT = "multimesh/root-ca"
"""The annotation of istiod's pods that has the fingerprint of the root CA of its certificates."""
TRUST_DOMAINS = "multimesh/trust-domains"
"""The annotation of istiod's pods that has the trust domains that its CA may sign for, while there are several."""

LISTS = "multimesh/revocation-lists"
"""The annotation of istiod's pods that has the SHA-256 of the revocation lists that it hands out."""
MULTIPLE_ROOTS = "ISTIO_MULTIROOT_MESH"
"""The variable that makes istiod take another root while it runs, and send all roots to the proxies."""
LEARNS_ROOTS = "PROXY_CONFIG_XDS_AGENT"
"""The metadata that makes a proxy take roots that istiod sends, and ask for another certificate then."""


class Mistake(NamedTuple):
    """A value that contradicts multimesh: its path below `istio.values`, what it is, and what to do instead."""

    path: tuple[str | int, ...]
    value: Any
    message: str


_NONE = object()
_TRUST_DOMAIN = "set trust_domain of the mesh, or topology.trust_domain of a single mesh"
_ALIASES = (
    "set trust_domain_aliases for a trust domain that the mesh itself had or will have; for those of others, name "
    "their identities in callers of the service"
)
_CALLERS = "name the identities of other trust domains in callers of the service"
_TOPOLOGY = "set topology"
_CERTIFICATES = "set trust"
_SERVICES = "list services that span clusters in services"
_GATEWAY = "set cluster.gateway of the mesh"
_FIXED = "remove it"
_INGRESS = "set ingress, whose certificate is mounted into the gateway's pod"
_NODE_AGENT = "set istio.cni of each mesh"
_NO_NAMES = f"remove it: the mesh's CA may sign no names of istiod but {', '.join(ISTIOD_HOSTS)}"
_REVISION = "set istio.revision of the mesh"
_CLUSTER_DOMAIN = "set cluster.dns_domain of the mesh"

_OWNED: dict[str, tuple[str, Any]] = {
    # Identity and trust
    "istiod.meshConfig.trustDomain": (_TRUST_DOMAIN, _NONE),
    "istiod.meshConfig.trustDomainAliases": (_ALIASES, []),
    "istiod.meshConfig.caCertificates": (_CERTIFICATES, []),
    "istiod.meshConfig.enableAutoMtls": (_FIXED, True),
    "istiod.global.trustDomain": (_TRUST_DOMAIN, _NONE),
    "istiod.global.caAddress": (_CERTIFICATES, ""),
    "istiod.global.caName": (_CERTIFICATES, ""),
    "istiod.global.pilotCertProvider": (_CERTIFICATES, "istiod"),
    "istiod.global.trustBundleName": (_CERTIFICATES, "istio-ca-root-cert"),
    "istiod.env.PILOT_SKIP_VALIDATE_TRUST_DOMAIN": (_CALLERS, _NONE),
    f"istiod.env.{MULTIPLE_ROOTS}": (_FIXED, "true"),
    "istiod.env.ISTIOD_CUSTOM_HOST": (_NO_NAMES, ""),
    "istiod.env.PILOT_CERT_PROVIDER": (_CERTIFICATES, "istiod"),
    "istiod.env.ENABLE_CA_SERVER": (_CERTIFICATES, "true"),
    "istiod.env.EXTERNAL_CA": (_CERTIFICATES, ""),
    "istiod.env.ROOT_CA_DIR": (_CERTIFICATES, _NONE),
    f"istiod.podAnnotations.{ROOT}": (_FIXED, _NONE),
    f"istiod.podAnnotations.{TRUST_DOMAINS}": (_FIXED, _NONE),
    f"istiod.podAnnotations.{LISTS}": (_FIXED, _NONE),
    # Clusters, networks and who controls them
    "istiod.global.meshID": (_TRUST_DOMAIN, _NONE),
    "istiod.global.multiCluster.clusterName": ("name the mesh in meshes", _NONE),
    "istiod.env.CLUSTER_ID": ("name the mesh in meshes", _NONE),
    "istiod.global.network": (_TOPOLOGY, ""),
    "istiod.global.meshNetworks": (_TOPOLOGY, {}),
    "istiod.global.externalIstiod": (_TOPOLOGY, False),
    "istiod.global.configCluster": (_TOPOLOGY, False),
    "istiod.global.remotePilotAddress": (_TOPOLOGY, ""),
    "istiod.istiodRemote": (_TOPOLOGY, {}),
    "istiod.profile": ("set the values of the profile that you need", _NONE),
    "istiod.global.profile": ("set the values of the profile that you need", _NONE),
    "istiod.configMap": (_TOPOLOGY, True),
    "istiod.meshConfig.serviceSettings": (_SERVICES, []),
    "istiod.meshConfig.defaultConfig.discoveryAddress": (_TOPOLOGY, _NONE),
    "istiod.meshConfig.defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE": (_FIXED, "true"),
    f"istiod.meshConfig.defaultConfig.proxyMetadata.{LEARNS_ROOTS}": (_FIXED, "true"),
    # Names
    "istiod.global.proxy.clusterDomain": (_CLUSTER_DOMAIN, "cluster.local"),
    "istiod.global.istioNamespace": (_FIXED, NAMESPACE),
    "istiod.meshConfig.rootNamespace": (_FIXED, NAMESPACE),
    "istiod.revision": (_REVISION, ""),
    "istiod.env.REVISION": (_REVISION, _NONE),
    "base.global.istioNamespace": (_FIXED, NAMESPACE),
    "base.revision": (_REVISION, ""),
    "base.defaultRevision": (_REVISION, "default"),
    # How sidecars start
    "istiod.cni.enabled": (_NODE_AGENT, True),
    f"cni.podAnnotations.{OWNER}": (_FIXED, _NONE),
    # The gateway
    "gateway.name": (_FIXED, GATEWAY),
    "gateway.revision": (_REVISION, ""),
    "cni.revision": (_REVISION, ""),
    "gateway.labels.app": (_FIXED, GATEWAY),
    "gateway.labels.istio": (_FIXED, "ingressgateway"),
    "gateway.labels.topology.istio.io/network": (_TOPOLOGY, _NONE),
    "gateway.networkGateway": (_TOPOLOGY, ""),
    "gateway.rbac.enabled": (_INGRESS, False),
    "gateway.env.ISTIO_META_REQUESTED_NETWORK_VIEW": (_TOPOLOGY, _NONE),
    "gateway.service.type": (_GATEWAY, _NONE),
    "gateway.service.selectorLabels": (_FIXED, {}),
    f"gateway.podAnnotations.{JOINED}": (_FIXED, _NONE),
}
"""By path: what to do instead, and the value that contradicts nothing, if there is one."""
_COPIED = {"cni": "cni", "gateway": "global", "istiod": "pilot"}
"""By chart, the key whose content the chart takes for values of its own."""


def mistakes(values: Mapping[str, Any], *, https: bool = False) -> Iterator[Mistake]:
    """Yield each of the user's values, by chart, that contradicts multimesh, whose ingress may have `https`."""
    for path, (instead, same) in _OWNED.items():
        yield from _contradiction(values, _keys(path), instead, same)
        chart, *inside = _keys(path)
        if chart in _COPIED:
            yield from _contradiction(values, (chart, _COPIED[chart], *inside), instead, same)
    for chart, *inside in (*ADDED, ("gateway", "service", "ports")):
        instead = f"set istio.values.{'.'.join([chart, *inside])}"
        yield from _contradiction(values, (chart, _COPIED[chart], *inside), instead, _NONE)
    service = values.get("gateway", {}).get("service")
    for chart, key in ADDED:
        given = values.get(chart, {}).get(key)
        if given is not None and not isinstance(given, list):
            yield Mistake((chart, key), given, "must be a list, which is added to that of multimesh")
    own = GATEWAY_PORTS | (HTTPS if https else {})
    yield from _port_mistakes(service.get("ports", []) if isinstance(service, Mapping) else [], own)
    for chart, given in values.items():
        if "_internal_defaults_do_not_set" in given:
            yield Mistake((chart, "_internal_defaults_do_not_set"), {}, "set the values without this key")


def _contradiction(values: Mapping[str, Any], path: tuple[str, ...], instead: str, same: Any) -> Iterator[Mistake]:
    inner: Any = values
    for depth, key in enumerate(path):
        if key not in inner:
            return
        inner = inner[key]
        if depth + 1 < len(path) and not isinstance(inner, Mapping):
            yield Mistake(path[: depth + 1], inner, "must be a mapping, as multimesh sets values in it")
            return
    if inner != same or isinstance(inner, bool) != isinstance(same, bool):
        yield Mistake(path, inner, f"is decided by multimesh: {instead}")


def _port_mistakes(ports: Any, own: Mapping[int, str]) -> Iterator[Mistake]:
    """Yield each additional port of the gateway's Service that cannot stand beside those of multimesh."""
    where = ("gateway", "service", "ports")
    if not isinstance(ports, list):
        yield Mistake(where, ports, "must be a list of ports that the gateway's Service has in addition")
        return
    names, numbers = {name: port for port, name in own.items()}, set[Any]()
    for index, port in enumerate(ports):
        name, number = (port.get("name"), port.get("port")) if isinstance(port, Mapping) else (None, None)
        if not isinstance(name, str) or type(number) is not int:
            yield Mistake((*where, index), port, "must be a mapping with name and port")
        elif own.get(number, name) != name or names.get(name, number) != number:
            ours = ", ".join(f"{number} ({name})" for number, name in own.items())
            yield Mistake((*where, index, "port"), number, f"clashes with a port of multimesh: {ours}")
        elif number in own and port.get("targetPort", number) != number:
            yield Mistake((*where, index, "targetPort"), port["targetPort"], f"must be {number}, or remove the port")
        elif number in numbers:
            yield Mistake((*where, index, "port"), number, "is there twice")
        numbers.add(number if type(number) is int else None)


def additional_ports(ports: Any, own: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return those of the user's ports of the gateway's Service that multimesh does not set itself (`own`).

    Who lists the status asks for it, also where nothing of multimesh does.
    """
    taken = {*GATEWAY_PORTS} - {STATUS_PORT} | {port["port"] for port in own}
    return [port for port in ports or [] if port["port"] not in taken]


def _keys(path: str) -> tuple[str, ...]:
    """Return a path's keys; a key with a slash, such as an annotation, is the last and may have dots."""
    head, slash, _ = path.partition("/")
    if not slash:
        return tuple(path.split("."))
    chart, section, _ = head.split(".", 2)
    return chart, section, path.removeprefix(f"{chart}.{section}.")
