"""HTTPS at the ingress of a mesh: which host is asked for, who must have signed its certificate, where HTTP leads."""

import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from multimesh.contract import VerifyOutputs

_ANY_LABEL = "multimesh"
"""What stands for the `*` of a host."""


@dataclass(frozen=True)
class Https:
    """How an ingress is asked by HTTPS: for `host`; the root's certificate (PEM) if it signed, else any public CA's."""

    host: str
    root_pem: str | None

    def trusted(self) -> ssl.SSLContext:
        """Return what is trusted: the root alone, or what OpenSSL finds on the machine (also by SSL_CERT_FILE)."""
        return ssl.create_default_context(cadata=self.root_pem)

    def named(self) -> dict[str, Any]:
        """Return the arguments of a request that name the host: in the handshake, where it is compared, and in HTTP."""
        return {"headers": {"Host": self.host}, "extensions": {"sni_hostname": self.host}}


def of_service(outputs: VerifyOutputs, service: str) -> Https | None:
    """Return how a service is asked by HTTPS; None if no host of a certificate leads to it."""
    if outputs.https is None:
        return None
    hosts = sorted(host for host, led_to in outputs.https.hosts.items() if led_to == service)
    if not hosts:
        return None
    host = hosts[0].replace("*", _ANY_LABEL, 1)
    return Https(host, outputs.root_ca if outputs.https.signed_by_root else None)


def not_redirected(url: str, https_url: str, host: str, timeout: float = 5.0) -> str | None:
    """Return what is wrong with the answer to plain HTTP at `url`; None if it leads to HTTPS of the same host."""
    port = urlsplit(https_url).port
    expected = f"https://{host}{f':{port}' if port else ''}/"
    try:
        with httpx.Client(trust_env=False, timeout=timeout) as client:
            answer = client.get(url, headers={"Host": host})
    except httpx.HTTPError as error:
        return f"plain HTTP is not redirected to {expected}: {str(error) or type(error).__name__}"
    led_to = answer.headers.get("location", "")
    if answer.status_code == httpx.codes.MOVED_PERMANENTLY and led_to == expected:
        return None
    return f"plain HTTP is not redirected to {expected}: {answer.status_code} {led_to}".rstrip()
