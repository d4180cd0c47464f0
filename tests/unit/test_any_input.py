"""No input ends in a traceback: kubeconfigs, PEM files and whole configurations that are nearly right, or rubbish."""

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import certificates
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from mutations import BOUNDED, damaged, mutated, texts, values
from stack_settings import ECHO, KUBECONFIG, LOCAL

from components import settings
from components.clusters import kubeconfig
from components.clusters.connection import connected
from components.clusters.kubeconfig import KubeconfigError
from components.mesh import charts, discovery
from components.mesh.roles import roles
from components.trust import brought_root
from components.trust.ca import fingerprint

DATA = b64encode(certificates.PEM.encode()).decode()
PLUGIN = {"apiVersion": "client.authentication.k8s.io/v1", "command": "/no/such/plugin", "args": [], "env": []}
USERS = [
    {"token": "known"},
    {"username": "me", "password": "known"},
    {"client-certificate-data": DATA, "client-key-data": DATA},
    {"client-certificate": "/no/such/file", "client-key": "key"},
    {"tokenFile": "token"},
    {"exec": {**PLUGIN, "env": [{"name": "A", "value": "b"}], "provideClusterInfo": True}},
    {"auth-provider": {"name": "oidc", "config": {"id-token": "a.b.c"}}},
]
CLUSTER = {
    "server": "https://127.0.0.1:1",
    "certificate-authority-data": DATA,
    "tls-server-name": "it",
    "proxy-url": "http://127.0.0.1:1",
    "insecure-skip-tls-verify": False,
}


def document(user: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "it", "user": "me", "namespace": "demo"}}],
        "clusters": [{"name": "it", "cluster": CLUSTER}],
        "users": [{"name": "me", "user": user}],
    }


@pytest.fixture(autouse=True, scope="module")
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Work where no path of an example names a file."""
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path_factory.mktemp("empty"))
        yield


def used(text: str, context: str | None = None) -> None:
    """Use a kubeconfig as the program does, but for the connection itself."""
    try:
        read = kubeconfig.read(text, context)
    except KubeconfigError as error:
        assert str(error)
        return
    assert kubeconfig.parse(read.text) == kubeconfig.Kubeconfig(
        None, read.text, read.context, read.cluster, read.plugin
    )
    assert yaml.safe_load(discovery.kubeconfig(read.text, "it", "token"))["clusters"][0]["cluster"] == read.cluster
    try:
        with connected(read.text):
            pass
    except KubeconfigError as error:
        assert str(error)


@BOUNDED
@given(
    mutated(document(USERS[0])) | st.sampled_from(USERS).flatmap(lambda user: mutated(document(user))), st.booleans()
)
def test_no_kubeconfig_does(content: Any, as_json: bool) -> None:
    used(json.dumps(content, default=str) if as_json else yaml.safe_dump(content) + "\n")


@BOUNDED
@given(texts | damaged(KUBECONFIG.encode()).map(lambda content: content.decode(errors="replace")), st.none() | texts)
def test_no_text_in_the_place_of_a_kubeconfig_does(text: str, context: str | None) -> None:
    used(text, context)
    used(f"{text}\n", context)


KEYS = [
    ec.generate_private_key(ec.SECP256R1()),
    ec.generate_private_key(ec.SECP521R1()),
    rsa.generate_private_key(65537, 2048),
    ed25519.Ed25519PrivateKey.generate(),
]
OTHERS = [dsa.generate_private_key(2048), x25519.X25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256K1())]
PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"


def root(key: Any) -> tuple[bytes, bytes]:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
    start = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=900))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(Encoding.PEM), private(key)


def private(key: Any) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


ROOTS = [root(key) for key in KEYS]
PEMS = [*(pem for pair in ROOTS for pem in pair), *map(private, OTHERS), PARAMETERS, b"", b"# text\n"]
files = st.tuples(st.sampled_from([b"", b"text before\n", PARAMETERS]), st.sampled_from(PEMS)).map(b"".join)
pairs = st.sampled_from(ROOTS).flatmap(lambda pair: st.tuples(damaged(pair[0]), damaged(pair[1])))


@BOUNDED
@given(pairs | st.tuples(files, files) | st.tuples(st.binary(), st.binary()))
def test_no_root_does(tmp_path: Path, pair: tuple[bytes, bytes]) -> None:
    certificate, key = tmp_path / "root-cert.pem", tmp_path / "root-key.pem"
    certificate.write_bytes(pair[0])
    key.write_bytes(pair[1])
    try:
        loaded = brought_root.load(str(certificate), str(key))
        loaded.check_outlives(365)
    except brought_root.BroughtRootError as error:
        assert str(error)
    else:
        assert len(fingerprint(loaded.root_pem)) == 95


CLUSTERS = [
    {"kind": "local"},
    {
        "kind": "existing",
        "kubeconfig": KUBECONFIG,
        "context": "here",
        "gateway": {"service": "NodePort", "address": "a"},
    },
    {"kind": "ec2", "region": "eu-central-1", "api_cidrs": ["10.0.0.0/8"], "vpc_cidr": "10.0.0.0/16"},
    {"kind": "gke", "project": "project", "location": "europe-west1", "api_cidrs": ["10.0.0.0/8"]},
]
SERVICE = {
    **ECHO,
    "ports": [{"number": 80, "protocol": "http"}],
    "meshes": {"east": 80, "west": 20},
    "callers": ["east", "west/ns/demo/sa/echo"],
    "ingress_hosts": ["*"],
    "prefer": ["east"],
    "timeout": "2s",
    "retries": {"attempts": 2},
}
ISTIO = {"version": "1.31.0", "hub": "hub", "values": {"istiod": {"meshConfig": {}, "global": {"proxy": {}}}}}
STACK = {
    "meshes": {"east": {"cluster": LOCAL["cluster"], "trust_domain": "east"}, "west": LOCAL},
    "peers": ["north"],
    "services": [SERVICE, {key: value for key, value in SERVICE.items() if key != "ports"}],
    "suffix": "global",
    "trust": {
        "intermediate_days": 365,
        "root_days": 3650,
        "root": {"certificate": "a", "key": "b"},
        "issues": {"n": {}},
    },
    "istio": ISTIO,
    "sample": True,
    "sample_image": "image",
    "topology": {"kind": "multi-mesh"},
}
TOPOLOGIES = [
    {"kind": "single-cluster"},
    {"kind": "single-mesh", "network": "flat", "control_plane": "one", "primary": "east"},
]


@st.composite
def stacks(draw: st.DrawFn) -> Any:
    kept = {key: value for key, value in STACK.items() if key == "meshes" or draw(st.booleans())}
    meshes = {"east": {"cluster": draw(st.sampled_from(CLUSTERS))}, "west": LOCAL}
    topology = {"topology": draw(st.sampled_from(TOPOLOGIES))} if draw(st.booleans()) else {}
    return draw(mutated({**kept, "meshes": meshes, **topology}))


@BOUNDED
@given(stacks() | st.dictionaries(texts | st.sampled_from(list(STACK)), values, max_size=4))
def test_no_stack_does(drawn: Any) -> None:
    if not isinstance(raw := json.loads(json.dumps(drawn, default=str)), dict):  # as the engine hands it on
        return
    try:
        stack = settings.validate(raw)
    except settings.SettingsError as error:
        assert str(error)
        return
    assert all(stack.notes()) or not stack.notes()
    domains = {mesh: stack.trust_domains(mesh)[0] for mesh in stack.meshes}
    for mesh, role in roles(stack.topology, list(stack.meshes), domains).items():
        platform = charts.chosen(charts.Platform(), stack.istio)
        charts.merged(charts.istiod_values(role, "", ""), platform.values.get("istiod", {}))
        assert stack.reached_through(mesh) is not None
