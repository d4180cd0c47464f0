"""HTTPS at the ingress of a mesh: its objects, its certificate, the gateway that serves it."""

from typing import Any

import pytest
from recording import Recording, recorded

from components.mesh import ingress_secret
from components.mesh.ingress import Https

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
            "tls": {
                "mode": "SIMPLE",
                "serverCertificate": "/etc/istio/ingress-certificate/tls.crt",
                "privateKey": "/etc/istio/ingress-certificate/tls.key",
                "minProtocolVersion": "TLSV1_2",
            },
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


def test_the_gateways_pod_starts_with_the_certificate_as_files() -> None:
    recording = run()
    assert "east-ingress-certificate" in recording.after("east-gateway")
    values = recording["east-gateway"].inputs["values"]
    assert values["volumes"][1] == {"name": "ingress", "secret": {"secretName": "multimesh-ingress", "optional": True}}
    assert values["volumeMounts"][1]["mountPath"] == "/etc/istio/ingress-certificate"


@pytest.mark.parametrize("tls", [None, {"issuer": "root"}])
def test_the_gateways_account_may_do_nothing(tls: dict[str, Any] | None) -> None:
    recording = run(tls) if tls else run({})
    assert recording["east-gateway"].inputs["values"]["rbac"] == {"enabled": False}


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
    assert recording["east-gateway"].inputs["values"]["volumes"][1]["secret"]["secretName"] == "shop-tls"


def test_nothing_of_it_is_there_without_the_key() -> None:
    recording = run({})
    assert not [name for name in recording.resources if "ingress-certificate" in name or "redirect" in name]
    values = recording["east-gateway"].inputs["values"]
    assert [volume["name"] for volume in values["volumes"]] == ["no-token"]
    assert 443 not in [port["port"] for port in values["service"]["ports"]]
    assert "https" not in recording.outputs


def test_no_token_stands_where_the_gateways_pod_would_have_it() -> None:
    for recording in (run(), run({})):
        values = recording["east-gateway"].inputs["values"]
        mount, volume = values["volumeMounts"][0], values["volumes"][0]
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
