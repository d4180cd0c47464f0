"""What a gateway presents to this machine: a TLS handshake for one SNI, without a certificate of the caller."""

import socket
import ssl
from dataclasses import dataclass

from cryptography import x509

_SECONDS = 3
_REFUSES_WITHIN = 5.0
"""Seconds; it takes one round trip."""
_NO_ROUTE = (ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


@dataclass(frozen=True)
class Handshake:
    """How a handshake ended. Without `trouble`, the server's certificate is of the root, for `identities`."""

    connected: bool
    trouble: str = ""
    closed: bool = False
    """Whether the gateway closed the connection without a certificate: it has no route for this SNI."""
    identities: tuple[str, ...] = ()
    admitted: bool = False
    """Whether the workload goes on with a caller that has shown no certificate."""


def shake_hands(address: str, port: int, sni: str, root: str) -> Handshake:
    """Ask the gateway for the certificate of the workload behind `sni`; `root` (PEM) must have signed it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # identities are URIs
    context.load_verify_locations(cadata=root)
    context.set_alpn_protocols(["istio"])
    try:
        plain = socket.create_connection((address, port), timeout=_SECONDS)
    except OSError as error:
        return Handshake(connected=False, trouble=error.strerror or str(error) or type(error).__name__)
    with plain:
        try:
            with context.wrap_socket(plain, server_hostname=sni) as connection:
                certificate = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"")
                admitted = _admits(connection)
        except _NO_ROUTE:
            return Handshake(connected=True, closed=True, trouble="it closed the connection")
        except OSError as error:
            said = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
            return Handshake(connected=True, trouble=f"the TLS handshake failed: {said}")
        except ValueError as error:
            return Handshake(connected=True, trouble=f"its certificate cannot be read: {error}")
    return Handshake(connected=True, identities=_uris(certificate), admitted=admitted)


def _admits(connection: ssl.SSLSocket) -> bool:
    """Return whether the server goes on; by TLS 1.3 it says after the handshake that a certificate is lacking."""
    connection.settimeout(_REFUSES_WITHIN)
    try:
        return bool(connection.recv(1))
    except TimeoutError:
        return True
    except OSError:
        return False


def _uris(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.get_values_for_type(x509.UniformResourceIdentifier))
