"""The contract of the stack outputs: what the program writes is read by the models, whole and part by part."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from federation.peer_stacks import PEM as ROOT
from federation.peer_stacks import TRUST, stacks
from pydantic import BaseModel, ValidationError
from recording import recorded

from components.federation import peers
from components.mesh import primary_remote
from components.settings.service import ServiceSettings
from multimesh.contract import (
    SAMPLE,
    Certificate,
    Form,
    MeshOutputs,
    Peer,
    PeerGateway,
    PeerMeshOutputs,
    StackOutputs,
    VerifyMeshOutputs,
    VerifyOutputs,
)
from multimesh.stack import parse_outputs

LOCAL = {"cluster": {"kind": "local"}}
ECHO = SAMPLE.exported | {"ingress_hosts": ["*"]}
PEER_STACK = {
    "meshes": {
        "west": {
            "gateway_address": "10.9.0.2",
            "gateway_port": 31443.0,
            "trust_domain": "west.mesh",
            "exports": {"echo.demo.global": {"port": 80.0, "weight": 3.0, "service_account": "echo"}},
        }
    },
    "root_ca": ROOT,
    "suffix": "global",
}
STACKS = stacks(TRUST, PEER_STACK)


def config(*meshes: str, **given: Any) -> dict[str, Any]:
    return {"meshes": dict.fromkeys(meshes, LOCAL), "services": [ECHO], **given}


def single(**given: Any) -> dict[str, Any]:
    return config("east", "west", topology={"kind": "single-mesh", **given})


FORMS = {
    "one mesh": config("east"),
    "two meshes": config("east", "west"),
    "no sample": {"meshes": {"east": LOCAL}, "sample": False},
    "single cluster": config("east", topology={"kind": "single-cluster"}),
    "single mesh, gateways": single(network="gateways"),
    "single mesh, gateways, one control plane": single(network="gateways", control_plane="one", primary="west"),
    "single mesh, flat": single(network="flat"),
    "single mesh, flat, one control plane": single(network="flat", control_plane="one", primary="west"),
    "a root that issues": config("east", trust={"issues": {"west": {}}}),
    "a root that issues, no mesh": {"meshes": {}, "trust": {"issues": {"east": {}, "west": {}}}},
    "https": config("east", "west", ingress={"hosts": ["echo.example"], "tls": {"issuer": "root"}}),
    "the root of another stack": config("east", trust={"stack": "trust"}),
    "peers": config("east", trust={"stack": "trust"}, peers=["west"]),
}


@pytest.fixture(autouse=True)
def _addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the names that the mocks give as addresses for IP addresses."""
    monkeypatch.setattr(primary_remote, "address_type", lambda _address: "IPv4")


def written(form: dict[str, Any]) -> StackOutputs:
    """Return the program's outputs, read by the whole contract.

    An output that is missing, misnamed or of another shape, or that the contract does not know, raises.
    """
    return StackOutputs.model_validate(recorded(form, stacks=STACKS).outputs, extra="forbid")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_the_program_writes_the_contract_and_nothing_else(form: dict[str, Any]) -> None:
    outputs = written(form)
    assert outputs.kubeconfigs.keys() == outputs.meshes.keys() == form["meshes"].keys()
    for mesh in outputs.meshes.values():
        without = set() if outputs.https else {"https_url"}
        written_fields = MeshOutputs.model_fields.keys() - without
        assert mesh.model_fields_set == written_fields, "what a reader may miss is written, too"
    assert ("https" in outputs.model_fields_set) == ("ingress" in form)
    issued = form.get("trust", {}).get("issues", {})
    assert (outputs.certificates or {}).keys() == issued.keys()
    assert ("certificates" in outputs.model_fields_set) == bool(issued)
    asks = "stack" in form.get("trust", {})
    assert (outputs.requests or {}).keys() == (form["meshes"].keys() if asks else set())


def test_a_brought_root_has_no_owner(tmp_path: Path) -> None:
    certificate, key = bring_root(tmp_path)
    outputs = written(config("east", trust={"root": {"certificate": certificate, "key": key}}))
    assert outputs.root_ca_owner == ""


@pytest.mark.parametrize("form", [form for form in FORMS.values() if form["meshes"]])
def test_peers_and_the_command_line_read_what_the_program_writes(form: dict[str, Any]) -> None:
    outputs = recorded(form, stacks=STACKS).outputs
    peer, wrong = peers.parse("test", outputs)
    assert (wrong, peer and peer.meshes.keys()) == ([], form["meshes"].keys())
    assert parse_outputs(json.dumps(outputs)).meshes.keys() == form["meshes"].keys()


@pytest.mark.parametrize(
    ("whole", "parts"),
    [(StackOutputs, (Peer, VerifyOutputs)), (MeshOutputs, (PeerMeshOutputs, VerifyMeshOutputs))],
)
def test_a_part_reads_nothing_that_is_not_written(whole: type[BaseModel], parts: tuple[type[BaseModel], ...]) -> None:
    assert all(part.model_fields.keys() <= whole.model_fields.keys() for part in parts)


def test_the_mistake_that_the_contract_is_for_is_seen() -> None:
    outputs: Mapping[str, Any] = recorded(FORMS["one mesh"]).outputs
    renamed = {("root" if name == "root_ca" else name): value for name, value in outputs.items()}
    with pytest.raises(ValueError, match=r"(?s)root_ca\n.*Field required.*root\n.*not permitted"):
        StackOutputs.model_validate(renamed, extra="forbid")


def test_no_model_shows_a_key() -> None:
    shown = repr(written(FORMS["a root that issues"]))
    assert "key of" not in shown
    assert "kubeconfig of" not in shown


def test_the_sample_is_exported_as_it_is_made() -> None:
    recording = recorded(FORMS["one mesh"])
    service = ServiceSettings.model_validate(SAMPLE.exported, context={"meshes": ["east"]})
    made = recording["east-echo-service"].inputs
    assert (made["metadata"]["name"], made["metadata"]["namespace"]) == (service.name, service.namespace)
    assert [port["port"] for port in made["spec"]["ports"]] == [service.port]
    pod = recording["east-echo-deployment"].inputs["spec"]["template"]
    assert pod["spec"]["serviceAccountName"] == service.service_account
    assert [container["name"] for container in pod["spec"]["containers"]] == [SAMPLE.container]
    assert SAMPLE.selector == ",".join(f"{label}={value}" for label, value in pod["metadata"]["labels"].items())


def bring_root(folder: Path) -> tuple[str, str]:
    """Write a root CA and its key; return both paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
    start = datetime.now(UTC) - timedelta(days=1)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=4000))
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "root-cert.pem", folder / "root-key.pem"
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    private.touch(mode=0o600)
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(certificate), str(private)


@pytest.mark.parametrize(
    ("model", "given"),
    [(Certificate, {"trust_domain": ["hunter2"]}), (VerifyOutputs, {"kubeconfigs": ["hunter2"]})],
)
def test_a_validation_error_does_not_show_a_secret(model: type[BaseModel], given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given)
    assert "hunter2" not in str(caught.value)


def test_where_a_mesh_of_another_stack_is_reached_is_written() -> None:
    assert written(FORMS["peers"]).peers == {
        "west": PeerGateway(stack="west", gateway_address="10.9.0.2", gateway_port=31443, trust_domain="west.mesh")
    }


def test_the_form_of_the_topology_is_written() -> None:
    one = written(FORMS["single mesh, flat, one control plane"]).topology
    assert one == Form(kind="single-mesh", network="flat", primary="west")
    assert written(FORMS["single mesh, gateways"]).topology == Form(kind="single-mesh", network="gateways")
    assert written(FORMS["two meshes"]).topology == Form(kind="multi-mesh")
