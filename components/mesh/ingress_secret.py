"""The Secret that somebody else, such as cert-manager, fills with the ingress certificate: what is wrong with it."""

import asyncio
import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import pulumi

from components.clusters.cluster import Cluster
from components.clusters.connection import connected
from components.clusters.kubeconfig import KubeconfigError
from components.istio import NAMESPACE
from components.mesh.ingress import Https

_SECONDS = 20


def watch(mesh: str, cluster: Cluster, https: Https, namespace: str = NAMESPACE) -> None:
    """Say, once the cluster is there, why clients do not get a certificate that they accept from the Secret.

    Nothing fails for it: the gateway serves whatever the Secret has, soon after it is there.
    """

    async def look(known: Mapping[str, Any]) -> None:
        for line in await asyncio.to_thread(_look, known["kubeconfig"], https, namespace):
            pulumi.log.warn(f"mesh {mesh}: Secret {namespace}/{https.secret} {line}")

    # The provider waits until the API server answers.
    pulumi.Output.unsecret(pulumi.Output.all(kubeconfig=cluster.kubeconfig, id=cluster.provider.id)).apply(look)


def faults(data: Mapping[str, str], https: Https, now: datetime) -> Iterator[str]:
    """Yield the end of a sentence for each fault of a Secret's data (base64) as the certificate of the hosts."""
    from cryptography import x509

    from components.trust import server_chain

    if missing := [key for key in ("tls.crt", "tls.key") if not data.get(key)]:
        yield f"has no {' and no '.join(missing)}: HTTPS answers nobody until it is of type kubernetes.io/tls"
        return
    try:
        chain = x509.load_pem_x509_certificates(base64.b64decode(data["tls.crt"]))
    except (ValueError, binascii.Error):
        yield "has a tls.crt that is no PEM certificate: HTTPS answers nobody until it is one"
        return
    yield from server_chain.faults(chain, now)
    named = server_chain.hosts(chain[0])
    if unnamed := [host for host in https.hosts if not server_chain.names_host(named, host)]:
        yield f"has a certificate that does not name {', '.join(unnamed)}: clients that ask for these refuse it"


def _look(kubeconfig: str, https: Https, namespace: str) -> list[str]:
    from kubernetes.client import ApiException, CoreV1Api
    from urllib3.exceptions import HTTPError

    try:
        with connected(kubeconfig) as api:
            found: Any = CoreV1Api(api).read_namespaced_secret(https.secret, namespace, _request_timeout=_SECONDS)
    except ApiException as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return ["is not there: HTTPS answers nobody until it is; then it works without another `pulumi up`"]
        return [f"cannot be read ({error.status} {error.reason}), so it is not checked"]
    except (HTTPError, OSError, KubeconfigError) as error:
        return [f"cannot be read ({type(error).__name__}), so it is not checked"]
    return list(faults(found.data or {}, https, datetime.now(UTC)))
