"""HTTPS at the ingress of a mesh: its objects, its certificate, the gateway that serves it."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from recording import Recording, recorded
from server_certificates import DAY, Wanted, ca, pem

from components.clusters.cluster import Exposure
from components.mesh import discovery, ingress, ingress_secret
from components.mesh.ingress import DifferentPortsError, Https

LOCAL = {"cluster": {"kind": "local"}}
ECHO = {"name": "echo", "namespace": "demo", "port": 80, "ingress_hosts": ["*"], "service_account": "echo"}
HOST = "shop.example"
SERVED = Https([HOST], "shop-tls", redirect=True)


def run(tls: dict[str, Any] | None = None, **given: Any) -> Recording:
    more = {"ingress": {"hosts": [HOST], "tls": tls or {"issuer": "root"}} | given} if tls != {} else {}
    return recorded({"meshes": {"east": LOCAL, "west": LOCAL}, "services": [ECHO], **more})


def test_https_takes_tls_1_2_or_newer_for_its_hosts_and_routes_of_its_own_namespace() -> None:
    assert run()["east-ingress-gateway"].inputs["spec"]["servers"] == [
        {
            "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
            "tls": {"mode": "SIMPLE", "credentialName": "multimesh-ingress", "minProtocolVersion": "TLSV1_2"},
            "hosts": ["./shop.example"],
        }
    ]


def test_plain_http_of_every_host_is_redirected_to_the_port_of_clients() -> None:
    recording = run()
    [server] = recording["east-redirect-gateway"].inputs["spec"]["servers"]
    assert (server["port"]["number"], server["hosts"]) == (80, ["./*"])
    route = recording["east-redirect"].inputs["spec"]
    assert route["gateways"] == ["istio-system/ingress-redirect"]
    assert route["http"] == [{"redirect": {"scheme": "https", "redirectCode": 301, "port": 30443}}]


def test_plain_http_stays_where_it_is_told_to() -> None:
    recording = run(redirect=False)
    servers = recording["east-ingress-gateway"].inputs["spec"]["servers"]
    assert [(server["port"]["number"], server["hosts"]) for server in servers] == [
        (80, ["./*"]),
        (443, ["./shop.example"]),
    ]
    assert not [name for name in recording.resources if "redirect" in name]


@pytest.mark.parametrize(
    "earlier", ["east-redirect", "east-redirect-gateway", "east-gateway", "east-ingress-certificate"]
)
def test_plain_http_is_taken_away_after_what_replaces_it_is_there(earlier: str) -> None:
    assert earlier in run().after("east-ingress-gateway")


def test_the_gateway_may_have_the_certificate_before_istiod_learns_of_it() -> None:
    assert "east-gateway" in run().after("east-ingress-certificate")


def test_one_certificate_of_the_root_serves_in_every_mesh() -> None:
    recording = run()
    assert recording["ingress-request"].inputs["dnsNames"] == [HOST]
    assert recording["ingress-certificate"].inputs["allowedUses"] == ["digital_signature", "server_auth"]
    for mesh in ("east", "west"):
        secret = recording[f"{mesh}-ingress-certificate"]
        assert secret.inputs["type"] == "kubernetes.io/tls"
        assert secret.inputs["stringData"]["tls.key"] == "key of ingress-key"
        assert "stringData" in secret.secrets


def test_the_secret_of_somebody_else_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingress_secret, "_look", lambda *_given: [])
    recording = run({"secret": "shop-tls"})
    assert not [name for name in recording.resources if "ingress-certificate" in name]
    [server] = recording["east-ingress-gateway"].inputs["spec"]["servers"]
    assert server["tls"]["credentialName"] == "shop-tls"


def test_nothing_of_it_is_there_without_the_key() -> None:
    recording = run({})
    assert not [name for name in recording.resources if "ingress-certificate" in name or "redirect" in name]
    values = recording["east-gateway"].inputs["values"]
    assert values["rbac"] == {"enabled": False}
    assert 443 not in [port["port"] for port in values["service"]["ports"]]
    assert "https" not in recording.outputs


def test_no_token_stands_where_the_gateways_pod_would_have_it() -> None:
    for recording in (run(), run({})):
        values = recording["east-gateway"].inputs["values"]
        [mount], [volume] = values["volumeMounts"], values["volumes"]
        assert mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
        assert (mount["name"], "emptyDir" in volume) == (volume["name"], True)


def test_volumes_of_the_user_stand_beside_it() -> None:
    mine = {"volumes": [{"name": "mine", "emptyDir": {}}], "volumeMounts": [{"name": "mine", "mountPath": "/mine"}]}
    stack = {"meshes": {"east": LOCAL}, "services": [ECHO], "istio": {"values": {"gateway": mine}}}
    values = recorded(stack)["east-gateway"].inputs["values"]
    assert [volume["name"] for volume in values["volumes"]] == ["no-token", "mine"]
    assert [mount["name"] for mount in values["volumeMounts"]] == ["no-token", "mine"]


def test_arguments_of_the_user_stand_beside_the_one_that_closes_plaintext() -> None:
    stack = {"meshes": {"east": LOCAL}, "istio": {"values": {"istiod": {"extraContainerArgs": ["--mine"]}}}}
    values = recorded(stack)["east-istiod"].inputs["values"]
    assert values["extraContainerArgs"] == ["--grpcAddr=127.0.0.1:15010", "--mine"]


def test_other_pods_reach_istiod_by_tls_alone() -> None:
    spec = run({})["east-istiod-ports"].inputs["spec"]
    assert spec["podSelector"] == {"matchLabels": {"app": "istiod"}}
    assert [port["port"] for port in spec["ingress"][0]["ports"]] == [15012, 15017]


def test_a_control_plane_elsewhere_asks_whether_a_gateway_may_have_the_certificate() -> None:
    asking = {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]}
    assert asking in discovery.rules(controlled=True, https=True)
    assert asking not in discovery.rules(controlled=True)
    assert asking not in discovery.rules(controlled=False, https=True)


def test_clusters_of_one_control_plane_must_have_https_at_one_port_to_be_redirected() -> None:
    exposures = {"east": Exposure(), "west": Exposure("NodePort", "10.0.0.1", https_port=30443)}
    with pytest.raises(DifferentPortsError, match=r"443 in east, 30443 in west"):
        ingress.https_port(SERVED, exposures)
    assert ingress.https_port(None, exposures) == 443


INTERMEDIATE = ca("intermediate")


def data(chain: bytes, key: bytes = b"key") -> dict[str, str]:
    return {name: base64.b64encode(value).decode() for name, value in (("tls.crt", chain), ("tls.key", key))}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (data(pem(Wanted().signed_by(INTERMEDIATE))), []),
        ({}, ["has no tls.crt and no tls.key: HTTPS answers nobody until it is of type kubernetes.io/tls"]),
        (
            {"tls.crt": ""} | {"tls.key": "a2V5"},
            ["has no tls.crt: HTTPS answers nobody until it is of type kubernetes.io/tls"],
        ),
        (data(b"rubbish"), ["has a tls.crt that is no PEM certificate: HTTPS answers nobody until it is one"]),
        (
            {"tls.crt": "%", "tls.key": "a2V5"},
            ["has a tls.crt that is no PEM certificate: HTTPS answers nobody until it is one"],
        ),
        (
            data(pem(Wanted(hosts=["bank.example"]).signed_by(INTERMEDIATE))),
            ["has a certificate that does not name shop.example: clients that ask for these refuse it"],
        ),
        (
            data(
                pem(
                    Wanted(end=datetime(2026, 2, 1, tzinfo=UTC), start=datetime(2026, 1, 1, tzinfo=UTC)).signed_by(None)
                )
            ),
            ["has a certificate of server that expired on 2026-02-01"],
        ),
    ],
)
def test_a_secret_of_no_use_is_said(found: dict[str, str], said: list[str]) -> None:
    assert list(ingress_secret.faults(found, SERVED, datetime.now(UTC) + DAY / 24)) == said
