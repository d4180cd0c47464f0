"""How a gateway takes requests from outside: by HTTPS if that is configured, and the objects for it as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components import istio
from components.clusters.cluster import Exposure
from components.istio import Spec
from components.mesh.ingress_settings import IngressSettings
from components.trust.absent_root import AbsentRoot
from components.trust.ca import RootCa
from components.trust.server_certificate import RootSigned, RootSignedArgs, ServerCertificate, announce

CERTIFICATE = "multimesh-ingress"
"""The name of the Secret that multimesh makes for the gateway."""
CERTIFICATE_PLACE = "/etc/istio/ingress-certificate"
"""Where the gateway's pod has the files of the Secret; its agent tells the proxy when they change."""
REDIRECT = "ingress-redirect"
"""The name of the Gateway and of the VirtualService that send plain HTTP to HTTPS."""


class DifferentPortsError(pulumi.RunError):
    """The gateways of one control plane cannot redirect to HTTPS alike; the message says why."""


@dataclass(frozen=True)
class Https:
    """HTTPS at the ingress: its hosts, the Secret in istio-system for their certificate, what becomes of plain HTTP.

    Without a `certificate`, somebody else fills the Secret.
    """

    hosts: Sequence[str]
    secret: str
    redirect: bool
    certificate: ServerCertificate | None = None


def https(settings: IngressSettings | None, hosts: Sequence[str], root: RootCa | AbsentRoot, days: int) -> Https | None:
    """Return HTTPS as it is configured; a certificate that the root signs is valid for so many days."""
    if settings is None:
        return None
    certificate: ServerCertificate | None = settings.tls.brought
    if settings.tls.brought:
        announce(settings.tls.brought)
    elif settings.tls.issuer and isinstance(root, RootCa) and root.private_key_pem:
        args: RootSignedArgs = {
            "root_pem": root.certificate_pem,
            "root_key_pem": root.private_key_pem,
            "hosts": hosts,
            "validity_days": days,
        }
        certificate = RootSigned("ingress", args)
    return Https(hosts, settings.tls.secret or CERTIFICATE, settings.redirect, certificate)


def gateway(hosts: Sequence[str], https: Https | None) -> Spec:
    """Return the Gateway that the services' routes bind to: plain HTTP for `hosts`, unless that is redirected."""
    if https is None:
        return istio.ingress_gateway(hosts)
    plain = [] if https.redirect else istio.ingress_gateway(hosts)["servers"]
    secure = {
        "port": {"number": istio.HTTPS_PORT, "name": "https", "protocol": "HTTPS"},
        "tls": {
            "mode": "SIMPLE",
            "serverCertificate": f"{CERTIFICATE_PLACE}/tls.crt",
            "privateKey": f"{CERTIFICATE_PLACE}/tls.key",
            "minProtocolVersion": "TLSV1_2",
        },
        "hosts": [f"./{host}" for host in sorted(https.hosts)],
    }
    return {"selector": istio.GATEWAY_SELECTOR, "servers": [*plain, secure]}


def redirect(https_port: int, namespace: str = istio.NAMESPACE) -> Spec:
    """Return the VirtualService that answers plain HTTP with the same address at HTTPS, at the port of clients."""
    return {
        "hosts": ["*"],
        "gateways": [f"{namespace}/{REDIRECT}"],
        "http": [{"redirect": {"scheme": "https", "redirectCode": 301, "port": https_port}}],
    }


def https_port(https: Https | None, exposures: Mapping[str, Exposure]) -> int:
    """Return the port at which clients reach HTTPS of the clusters that one control plane serves.

    Raise DifferentPortsError if it differs between them and plain HTTP is redirected to it.
    """
    ports = {cluster: exposure.https_port for cluster, exposure in exposures.items()}
    if https and https.redirect and len(set(ports.values())) > 1:
        listed = ", ".join(f"{port} in {cluster}" for cluster, port in ports.items())
        raise DifferentPortsError(
            f"HTTPS is reached at different ports ({listed}), and one control plane redirects plain HTTP to one: set "
            "cluster.gateway.https_port alike, or multimesh:ingress.redirect: false"
        )
    return next(iter(ports.values()))


def certificate(chain_pem: Any, private_key_pem: Any) -> dict[str, Any]:
    """Return the data of the Secret, of type kubernetes.io/tls, with the gateway's certificate."""
    return {"tls.crt": chain_pem, "tls.key": private_key_pem}
