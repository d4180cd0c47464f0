"""Who gets a node's certificate: attacks with what a worker has, and what kubelets serve with."""

import base64
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from tests.e2e.kubeadm.booted import ENDPOINT, Booted, accepted
from tests.e2e.kubeadm.machine import BootError

ASK = """
import sys
from pathlib import Path
sys.path.insert(0, "/usr/local/lib/multimesh")
from prove_identity import Api, Instance, asked, certificate, key_and_request
endpoint, name, proof = sys.argv[1:]
document = asked(Instance(), key_and_request(name)[1])
if proof == "none":
    del document["metadata"]["annotations"]
certificate(Api(endpoint, "/etc/kubernetes/ca.crt", token=Path("/run/token").read_text()), document)
"""
"""Asks, on a worker and with its token, for the certificate of a node."""


def asks(booted: Booted, name: str, proof: str) -> str:
    worker = booted.machines["worker"]
    worker.write("/run/token", booted.made["parameters"]["/worker/token"], "0600")
    return worker.run("/usr/bin/python3", "-c", ASK, ENDPOINT, name, proof)


def test_with_the_token_a_worker_gets_a_certificate_in_its_own_name(booted: Booted) -> None:
    assert asks(booted, booted.machines["worker"].id, "its own") == ""


def test_with_the_token_nobody_gets_a_certificate_in_another_node_s_name(booted: Booted) -> None:
    control_plane = booted.machines["first"].id
    with pytest.raises(BootError, match=rf"Denied: \S+/worker/\S+ asks for a certificate of {control_plane}"):
        asks(booted, control_plane, "its own")


@pytest.mark.parametrize("name", ["first", "worker"])
def test_with_the_token_alone_nobody_gets_a_certificate(booted: Booted, name: str) -> None:
    with pytest.raises(BootError, match="Denied: must have the annotation multimesh/identity"):
        asks(booted, booted.machines[name].id, "none")


def test_the_token_opens_nothing_but_asking(booted: Booted, tmp_path: Path) -> None:
    with booted.api() as api:
        tokens: Any = api.list_namespaced_secret("kube-system", field_selector="type=bootstrap.kubernetes.io/token")
    groups = [base64.b64decode(token.data["auth-extra-groups"]).decode() for token in tokens.items]
    assert groups == ["system:bootstrappers:multimesh"]
    bearer = client.Configuration(host=f"https://{booted.machines['first'].address}:6443")
    (tmp_path / "ca.crt").write_text(booted.made["parameters"]["/worker/ca.crt"])
    bearer.ssl_ca_cert = str(tmp_path / "ca.crt")
    bearer.api_key = {"authorization": f"Bearer {booted.made['parameters']['/worker/token']}"}
    with client.ApiClient(bearer) as connected:
        core, certificates = client.CoreV1Api(connected), client.CertificatesV1Api(connected)
        for asked in (
            core.list_node,
            core.list_secret_for_all_namespaces,
            certificates.list_certificate_signing_request,
        ):
            with pytest.raises(client.ApiException) as refused:
                asked()
            assert refused.value.status == 403


SERVE = """
import base64, subprocess, sys
sys.path.insert(0, "/usr/local/lib/multimesh")
from prove_identity import Api, certificate
from signing_requests import SERVING
endpoint, name, address = sys.argv[1:]
curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null"]
names = ["-subj", f"/O=system:nodes/CN=system:node:{name}", "-addext", f"subjectAltName=DNS:{name},IP:{address}"]
made = subprocess.run(["openssl", "req", "-new", *curve, *names], check=True, capture_output=True).stdout
request = base64.b64encode(made).decode()
spec = {"request": request, "signerName": SERVING, "usages": ["digital signature", "server auth"]}
kind = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
api = Api(endpoint, "/etc/kubernetes/ca.crt", certificate="/var/lib/kubelet/pki/kubelet-client-current.pem")
certificate(api, {**kind, "metadata": {"generateName": "serving-"}, "spec": spec})
"""
"""Asks, on a worker and with its kubelet's certificate, for a serving certificate."""


def test_a_node_gets_no_serving_certificate_for_an_address_that_is_not_its_own(booted: Booted) -> None:
    worker, address = booted.machines["worker"], booted.machines["first"].address
    assert worker.run("/usr/bin/python3", "-c", SERVE, ENDPOINT, worker.id, worker.address) == ""
    with pytest.raises(BootError, match=f"Denied: not of {worker.id}: {address}"):
        worker.run("/usr/bin/python3", "-c", SERVE, ENDPOINT, worker.id, address)


@pytest.mark.parametrize("name", ["first", "worker"])
def test_a_kubelet_serves_with_a_certificate_of_the_cluster_s_ca(booted: Booted, name: str) -> None:
    authority = booted.made["parameters"]["/worker/ca.crt"]
    address = booted.machines[name].address

    def verified(_: Any) -> bool:
        context = ssl.create_default_context(cadata=authority)
        try:
            with (
                socket.create_connection((address, 10250), 5) as open,
                context.wrap_socket(open, server_hostname=address),
            ):
                return True
        except OSError:
            return False

    assert booted.eventually(verified)


def test_logs_and_commands_in_pods_go_through_a_kubelet_that_the_api_server_verified(
    booted: Booted, tmp_path: Path
) -> None:
    (tmp_path / "kubeconfig").write_text(booted.made["kubeconfig"])
    kubectl = ("kubectl", "--kubeconfig", str(tmp_path / "kubeconfig"), "--namespace", "kube-system")
    assert "CoreDNS-" in accepted(*kubectl, "logs", "deployment/coredns")
    assert "CoreDNS-" in accepted(*kubectl, "exec", "deployment/coredns", "--", "/usr/local/bin/coredns", "-version")
