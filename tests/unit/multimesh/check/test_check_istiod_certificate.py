"""What istiod presents: a TLS server of a test's own, in place of a port-forward."""

import socket
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException
from test_check_handshake import OF_EAST, presenting

from multimesh.check import istiod_certificate
from multimesh.check.istiod_certificate import presented


def forwarding(monkeypatch: pytest.MonkeyPatch, port: int) -> list[Any]:
    """Lead every port-forward to a port of this machine; return what was asked for."""
    asked: list[Any] = []

    def forwarded(_api: Any, *where: Any) -> Any:
        asked.append(where)
        forward = nullcontext()
        forward.close = lambda: None  # type: ignore[attr-defined]
        return forward, socket.create_connection(("127.0.0.1", port), timeout=5)

    monkeypatch.setattr(istiod_certificate, "forwarded", forwarded)
    return asked


def test_the_certificate_of_each_pod_is_taken_whoever_signed_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with presenting(OF_EAST, tmp_path) as port:
        asked = forwarding(monkeypatch, port)
        found = presented(ApiClient(), "istio-system", ["istiod-b", "istiod-a"])
    assert [one.pod for one in found] == ["istiod-a", "istiod-b"]
    assert {one.certificate for one in found} == {x509.load_pem_x509_certificate(OF_EAST.encode())}
    assert asked[0][:3] == ("istio-system", "istiod-a", 15012)


def test_of_many_pods_three_are_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with presenting(OF_EAST, tmp_path) as port:
        forwarding(monkeypatch, port)
        assert len(presented(ApiClient(), "istio-system", [f"istiod-{number}" for number in range(9)])) == 3


def test_why_a_pod_cannot_be_asked_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise ApiException(403, "Forbidden -+-+- headers")

    monkeypatch.setattr(istiod_certificate, "forwarded", refused)
    [found] = presented(ApiClient(), "istio-system", ["istiod-a"])
    assert (found.certificate, found.trouble) == (None, "port-forward to it, port 15012: Forbidden")


def test_what_speaks_no_tls_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        forwarding(monkeypatch, server.getsockname()[1])
        server.settimeout(5)
        ours = istiod_certificate.forwarded

        def closing(*where: Any) -> Any:
            made = ours(*where)
            server.accept()[0].close()
            return made

        monkeypatch.setattr(istiod_certificate, "forwarded", closing)
        [found] = presented(ApiClient(), "istio-system", ["istiod-a"])
    assert found.certificate is None
    assert found.trouble.startswith("port-forward to it, port 15012: ")
