"""The certificate that istiod presents to proxies, which it signed itself, with the CA that it has at this moment."""

import socket
import ssl
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from cryptography import x509
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from websocket import WebSocketException

from multimesh.sidecar import forwarded

_PORT = 15012
"""Where proxies ask istiod for certificates and for their configuration, by TLS."""
_SECONDS = 5
_MOST = 3
"""Pods of istiod that are asked in a mesh."""


@dataclass(frozen=True)
class Presented:
    """What one pod of istiod presents; without a `certificate`, `trouble` says why it is not known."""

    pod: str
    certificate: x509.Certificate | None
    trouble: str = ""


def presented(connection: client.ApiClient, namespace: str, pods: Sequence[str]) -> list[Presented]:
    """Ask some of the pods of istiod in its namespace, each by a Kubernetes port-forward."""
    api = client.CoreV1Api(connection)
    return [_ask(api, namespace, pod) for pod in sorted(pods)[:_MOST]]


def _ask(api: client.CoreV1Api, namespace: str, pod: str) -> Presented:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # who signed it is what is asked
    try:
        forward, connected = forwarded(api, namespace, pod, _PORT, _SECONDS)
        with closing(forward), context.wrap_socket(connected) as session:
            certificate = x509.load_der_x509_certificate(session.getpeercert(binary_form=True) or b"")
            # What istiod says after the handshake must be read, or the thread of the port-forward fails, and says so.
            session.shutdown(socket.SHUT_WR)
            while session.recv(65536):
                pass
            return Presented(pod, certificate)
    except (ApiException, WebSocketException, OSError, ValueError) as error:
        reason = str(getattr(error, "reason", None) or error or type(error).__name__).partition(" -+-+- ")[0]
        return Presented(pod, None, f"port-forward to it, port {_PORT}: {reason}")
