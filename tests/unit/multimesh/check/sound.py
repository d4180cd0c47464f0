"""A sound federation of two meshes, from which tests take away one thing each."""

import base64
import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from components import istio
from multimesh.check.calls import Call, Caller
from multimesh.check.cluster import Cluster
from multimesh.check.federation import Federation, not_exported, sni
from multimesh.check.handshake import Handshake
from multimesh.check.istiod_certificate import Presented
from multimesh.check.made import ISTIO, Key, Made
from multimesh.contract import VerifyOutputs
from multimesh.verify.counters import Count, cluster_name
from multimesh.verify.replies import Replies
from multimesh.verify.selection import Port

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SERVICE = "web.shop.global"
PORT = Port(SERVICE, 80, "http", {"east": 50, "west": 50}, "weights")
MESHES = ("east", "west")
_ROOT_KEY, _OTHER_KEY, _CA_KEY, _FORMER_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(4))


def authority(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    domain: str = "",
    *,
    days: int = 365,
    root: str = "root",
    path_length: int | None = None,
) -> str:
    """A CA's certificate, PEM: a root, or for `domain` an intermediate that `key` signed."""
    subject, issuer = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (name, root))
    own = _CA_KEY if domain else key
    start = NOW - timedelta(days=1)
    builder = x509.CertificateBuilder(issuer, subject, own.public_key(), 1, start, start + timedelta(days=days))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    if domain:
        permitted = [x509.UniformResourceIdentifier(domain)]
        builder = builder.add_extension(x509.NameConstraints(permitted, None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


ROOT = authority("root", _ROOT_KEY)
OTHER_ROOT = authority("root", _OTHER_KEY)
SHORT_ROOT = authority("root", _ROOT_KEY, path_length=0)
"""ROOT's key and name, but it may sign for no CA."""


def cacerts(mesh: str, root: str = ROOT, *, signed_by: str = ROOT, days: int = 365) -> dict[str, str]:
    """The certificates of the Secret `cacerts`."""
    key = _ROOT_KEY if signed_by == ROOT else _OTHER_KEY
    ca = authority(f"ca of {mesh}", key, f"{mesh}.mesh", days=days)
    files = {"ca-cert.pem": ca, "root-cert.pem": root, "cert-chain.pem": ca + root}
    return {name: base64.b64encode(pem.encode()).decode() for name, pem in files.items()}


def of_istiod(mesh: str, *, former: bool = False) -> Presented:
    """What a pod of istiod presents: a certificate of the mesh's CA, or of the one that it had before."""
    subject, issuer = (
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in ("istiod", f"ca of {mesh}")
    )
    start = NOW - timedelta(hours=1)
    builder = x509.CertificateBuilder(issuer, subject, _CA_KEY.public_key(), 2, start, start + timedelta(days=90))
    return Presented("istiod-1", builder.sign(_FORMER_KEY if former else _CA_KEY, hashes.SHA256()))


def federation() -> Federation:
    """Two meshes that export `web.shop.global`, and call it."""
    outputs = VerifyOutputs.model_validate(
        {
            "meshes": {
                mesh: {
                    "gateway_address": f"192.0.2.{number}",
                    "gateway_port": 31443,
                    "trust_domain": f"{mesh}.mesh",
                    "ingress_url": f"http://192.0.2.{number}/",
                    "ca_expires": "2027-11-25T12:00:00Z",
                }
                for number, mesh in enumerate(MESHES, 1)
            },
            "root_ca": ROOT,
            "root_ca_fingerprint": "",
            "root_ca_expires": "2036-11-25T12:00:00Z",
            "services": {SERVICE: dict(PORT.weights)},
            "probes": {SERVICE: {"ports": {80: "http"}}},
            "kubeconfigs": dict.fromkeys(MESHES, ""),
        }
    )
    known = cluster_name(SERVICE, 80, one_mesh=False)
    counts = {mesh: Count(10, 10, 0) for mesh in MESHES}
    return Federation(
        outputs,
        Made({mesh: dict(_made(mesh)) for mesh in MESHES}, []),
        {SERVICE: [PORT]},
        {mesh: _cluster(mesh) for mesh in MESHES},
        {},
        {
            mesh: Caller(
                "",
                [Call(PORT, 20, Replies(), counts)],
                frozenset({known}),
                {},
                [f"spiffe://{mesh}.mesh/ns/demo/sa/echo"],
                NOW + timedelta(hours=20),
            )
            for mesh in MESHES
        },
        {
            mesh: {
                not_exported(outputs.meshes[mesh]): Handshake(
                    connected=True, closed=True, trouble="it closed the connection"
                ),
                sni(PORT): Handshake(connected=True, identities=(f"spiffe://{mesh}.mesh/ns/shop/sa/web",)),
            }
            for mesh in MESHES
        },
        NOW,
        presented={mesh: [of_istiod(mesh)] for mesh in MESHES},
    )


def with_cluster(sound: Federation, mesh: str, change: Callable[[Any], None], **fields: Any) -> Federation:
    """The federation with a changed copy of the objects (by kind) of one cluster, or other fields of it."""
    objects = copy.deepcopy(dict(sound.clusters[mesh].objects))
    change(objects)
    return replace(sound, clusters={**sound.clusters, mesh: replace(sound.clusters[mesh], objects=objects, **fields)})


def with_caller(sound: Federation, mesh: str, **fields: Any) -> Federation:
    """The federation with other fields of what is seen from one mesh."""
    return replace(sound, callers={**sound.callers, mesh: replace(sound.callers[mesh], **fields)})


def with_handshake(sound: Federation, mesh: str, name: str, seen: Handshake) -> Federation:
    """The federation with another answer of a gateway for one SNI."""
    return replace(sound, gateways={**sound.gateways, mesh: {**sound.gateways[mesh], name: seen}})


def thing(kind: str, namespace: str, name: str, **rest: Any) -> dict[str, Any]:
    """An object as the API server returns it."""
    about = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"metadata": {**about, **rest.pop("metadata", {})}, "kind": kind, **rest}


def _made(mesh: str) -> list[tuple[Key, dict[str, Any]]]:
    specs: dict[tuple[str, str], dict[str, Any]] = {
        ("ServiceEntry", SERVICE): {"hosts": [SERVICE], "endpoints": [{"address": "192.0.2.1"}]},
        ("VirtualService", SERVICE): {"hosts": [SERVICE, "web.shop.svc.cluster.local"]},
        ("DestinationRule", SERVICE): {"host": SERVICE},
        ("Gateway", "peers"): _peers(),
        ("PeerAuthentication", "default"): {"mtls": {"mode": "STRICT"}},
        ("AuthorizationPolicy", "gateway-ports"): istio.gateway_ports(f"{mesh}.mesh"),
    }
    made = [(Key(kind, "istio-system", name), {"spec": spec}) for (kind, name), spec in specs.items()]
    others = istio.others_denied({"app": "web"}, [8080], ["east.mesh/*", "west.mesh/*"])
    return [*made, (Key("AuthorizationPolicy", "shop", "web.shop.global"), {"spec": others})]


def _peers() -> dict[str, Any]:
    server = {"port": {"number": 15443}, "hosts": ["web.shop.svc.cluster.local"]}
    return {"selector": {"istio": "ingressgateway"}, "servers": [server]}


def _cluster(mesh: str) -> Cluster:
    istio_objects = [
        {**thing(key.kind, key.namespace, key.name, **copy.deepcopy(wanted)), "apiVersion": ISTIO[0]}
        for key, wanted in _made(mesh)
    ]
    config = f"trustDomain: {mesh}.mesh\ndefaultConfig: {{proxyMetadata: {{ISTIO_META_DNS_CAPTURE: 'true'}}}}\n"
    container = {"image": "istio/pilot:1.31.0", "name": "discovery"}
    gateway_port = {"port": 15443, "nodePort": 31443}
    others = [
        thing("ConfigMap", "istio-system", "istio", data={"mesh": config}),
        thing("ConfigMap", "shop", "istio-ca-root-cert", data={"root-cert.pem": ROOT}),
        _deployment("istiod", {"app": "istiod"}, container),
        _deployment("istio-ingressgateway", {"istio": "ingressgateway"}, container),
        thing(
            "Service",
            "istio-system",
            "istio-ingressgateway",
            spec={"selector": {"istio": "ingressgateway"}, "ports": [{"port": 80}, gateway_port]},
        ),
        thing(
            "Service",
            "shop",
            "web",
            spec={"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]},
        ),
        thing(
            "Pod",
            "shop",
            "web-1",
            metadata={"labels": {"app": "web"}},
            spec={
                "containers": [
                    {"name": "app", "ports": [{"name": "http", "containerPort": 8080}]},
                    {"name": "istio-proxy"},
                ]
            },
            status={"conditions": [{"type": "Ready", "status": "True"}]},
        ),
        thing(
            "MutatingWebhookConfiguration",
            "",
            "istio-sidecar-injector",
            metadata={"labels": {"app": "sidecar-injector"}},
            webhooks=[{"clientConfig": {"caBundle": "cm9vdA=="}}],
        ),
    ]
    objects: dict[str, list[Any]] = {kind: [] for kind in ("NetworkPolicy", "Sidecar", "EndpointSlice")}
    for one in [*istio_objects, *others]:
        objects.setdefault(one["kind"], []).append(one)
    return Cluster(objects, cacerts(mesh))


def _deployment(name: str, labels: dict[str, str], container: dict[str, Any]) -> dict[str, Any]:
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return thing(
        "Deployment",
        "istio-system",
        name,
        metadata={"labels": labels},
        spec={"replicas": 1, "template": template},
        status={"availableReplicas": 1},
    )
