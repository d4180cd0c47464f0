"""A mesh whose control plane somebody else installed by helm: another namespace, another revision, another root.

Its own root is refused; then it gets a CA of the company's root, and what the preview says that it lacks.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from components.clusters.local import cluster as local
from lab import cluster
from lab.cluster import Cluster
from lab.paths import CHARTS, IMAGE_HUB, IMAGE_TAG
from lab.stack import PulumiError, Stack
from tests.e2e import guest
from tests.e2e.peer import Issuer, ask
from tests.e2e.test_3_renewal import eventually
from tests.e2e.test_6_own_root import CA, openssl, sign
from tests.e2e.test_6_stacks import Lines

THEIRS, REVISION, DOMAIN = "mesh-control", "stable", "corp.internal"
RELEASE = f"istiod-{REVISION}"
WEB, WEB_PORTS = {"app": "web"}, {80: 8080, 81: 8081}
"""A workload of the company's: the ports of its Service, of which the first one is exported, and those of its pod."""


class Company:
    """A cluster with the company's Istio, and a folder with its root."""

    def __init__(self, made: Cluster, folder: Path) -> None:
        self.cluster, self.folder, self.kubeconfig = made, folder, folder / "kubeconfig"
        self.kubeconfig.write_text(made.kubeconfig)
        subject = ["-nodes", "-sha256", "-subj", "/O=Shop/CN=Shop"]
        extensions = (part for line in CA.format(2).splitlines()[:2] for part in ("-addext", line))
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl(folder, "req", "-x509", *curve, *subject, "-days", "900", "-keyout", "root.key", "-out", "root.pem",
                *extensions)  # fmt: skip

    def kubectl(self, *arguments: str) -> str:
        command = ["kubectl", "--kubeconfig", self.kubeconfig, "-n", THEIRS, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def helm(self, *arguments: str) -> None:
        command = ["helm", *arguments, "--namespace", THEIRS, "--kubeconfig", self.kubeconfig, "--create-namespace"]
        subprocess.run(command, check=True, capture_output=True)

    def install(self, **mesh_config: Any) -> None:
        """Install or upgrade the control plane, and wait for it."""
        lab = local.platform().values["istiod"]
        small = {"requests": {"cpu": "10m", "memory": "64Mi"}}
        proxy = {"resources": small, "clusterDomain": DOMAIN}
        values = {
            "revision": REVISION,
            "autoscaleEnabled": False,
            "resources": small,
            # As the lab's stock Envoy needs it: it has none of Istio's extensions.
            **{key: lab[key] for key in ("telemetry", "env")},
            "global": {"hub": IMAGE_HUB, "tag": IMAGE_TAG, "istioNamespace": THEIRS, "proxy": proxy},
            "meshConfig": {"trustDomain": "shop.example", **mesh_config},
        }
        (self.folder / "istiod.json").write_text(json.dumps(values))
        self.helm("upgrade", "--install", RELEASE, f"{CHARTS}/istiod", "-f", str(self.folder / "istiod.json"), "--wait")

    def plug_in(self) -> None:
        """Give istiod a CA that the company's root signed, as Istio's documentation describes."""
        (self.folder / "ca.ext").write_text(CA.format(0))
        request = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/O=Shop/CN=north"]
        openssl(self.folder, "req", "-new", *request, "-keyout", "ca-key.pem", "-out", "ca.csr")
        sign(self.folder, "ca.csr", "ca-cert.pem", "root", "-extfile", "ca.ext")
        ca, root = ((self.folder / name).read_text() for name in ("ca-cert.pem", "root.pem"))
        (self.folder / "cert-chain.pem").write_text(ca + root)
        (self.folder / "root-cert.pem").write_text(root)
        names = ("ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem")
        self.kubectl("create", "secret", "generic", "cacerts", *(f"--from-file={self.folder / name}" for name in names))
        self.kubectl("rollout", "restart", f"deployment/{RELEASE}")
        self.kubectl("rollout", "status", f"deployment/{RELEASE}", "--timeout=120s")
        # istiod distributes it once it is the leader among its pods.
        deadline = time.monotonic() + 90
        while self._distributed() != root.strip():
            assert time.monotonic() < deadline, "istiod distributes another root"
            time.sleep(1)

    def _distributed(self) -> str:
        root = r"jsonpath={.data.root-cert\.pem}"
        return self.kubectl("get", "configmap", "istio-ca-root-cert", "-o", root).strip()

    def run_web(self) -> None:
        """Run a workload of the company's, whose Service has a port more than is exported, and a pod of no mesh."""
        image = f"{IMAGE_HUB}/app:{IMAGE_TAG}"
        server = {"name": "app", "image": image, "command": ["/usr/local/bin/server"]}
        server["args"] = [*(f"--port={port}" for port in WEB_PORTS.values()), "--cluster=north"]
        ports = [{"name": f"http-{port}", "port": port, "targetPort": target} for port, target in WEB_PORTS.items()]
        metadata = {"name": "web", "namespace": "shop", "labels": WEB}
        bare = {"metadata": {"name": "bare", "namespace": "shop", "labels": {"sidecar.istio.io/inject": "false"}}}
        objects = [
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": WEB, "ports": ports}},
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [server]}},
            {"apiVersion": "v1", "kind": "Pod", **bare, "spec": {"containers": [server]}},
        ]
        self.kubectl("create", "namespace", "shop")
        self.kubectl("label", "namespace", "shop", f"istio.io/rev={REVISION}")
        self.apply(*objects)
        for pod in ("web", "bare"):
            self.kubectl("wait", "--for=condition=Ready", "pod", pod, "--timeout=120s", "-n", "shop")

    def apply(self, *objects: Any) -> None:
        (self.folder / "objects.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        command = ["kubectl", "--kubeconfig", self.kubeconfig, "apply", "-f", self.folder / "objects.json"]
        subprocess.run(command, check=True, capture_output=True)

    def answers(self, pod: str, url: str) -> bool:
        """Return whether a pod in the namespace shop is answered at a URL."""
        command = ["exec", pod, "-c", "app", "-n", "shop", "--", "/usr/local/bin/client", url, "--timeout=10s"]
        try:
            return "StatusCode=200" in self.kubectl(*command)
        except subprocess.CalledProcessError:
            return False

    def generation(self) -> str:
        """What differs when somebody changes the control plane: the version of its Deployment's spec, and the base."""
        releases = self.kubectl("get", "secrets", "-l", "owner=helm", "-o", "name")
        return self.kubectl("get", "deployment", RELEASE, "-o", "jsonpath={.metadata.generation}") + releases


@pytest.fixture(scope="module")
def said(show: Callable[[str], None]) -> Lines:
    return Lines(show)


@pytest.fixture(scope="module")
def company(show: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company's cluster, whose istiod made a root of its own."""
    made = cluster.create("company", show, domain=DOMAIN)
    try:
        folder = tmp_path_factory.mktemp("company")
        folder.chmod(0o700)
        company = Company(made, folder)
        base = ["--set", f"global.istioNamespace={THEIRS}", "--set", f"defaultRevision={REVISION}"]
        company.helm("install", "mesh-base", f"{CHARTS}/base", *base)
        company.install()
        yield company
    finally:
        cluster.destroy(made.id, show)


@pytest.fixture(scope="module")
def stack(company: Company, said: Lines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that federates the company's mesh with one of its own, not up yet."""
    stack = Stack(tmp_path_factory.mktemp("stack"), said.add, "joined")
    gateway = {"service": "NodePort", "address": company.cluster.address}
    existing = {"kind": "existing", "kubeconfig": str(company.kubeconfig), "gateway": gateway}
    existing["dns_domain"] = DOMAIN
    root = {key: str(company.folder / f"root.{end}") for key, end in (("certificate", "pem"), ("key", "key"))}

    def with_north(config: dict[str, Any]) -> None:
        [echo] = config["multimesh:services"]
        config |= {
            "multimesh:meshes": {
                "north": {"cluster": existing, "istio": {"install": False}},
                "south": {"cluster": {"kind": "local"}},
            },
            "multimesh:services": [echo | {"meshes": {"north": 50, "south": 50}}],
            "multimesh:trust": {"root": root},
            **guest.platform(),
        }

    stack.configure(with_north)
    with stack.destroyed_at_the_end():
        yield stack


def refused(stack: Stack) -> str:
    with pytest.raises(PulumiError) as caught:
        stack.preview()
    assert "Traceback" not in str(caught.value)
    return str(caught.value)


def test_another_root_and_all_that_is_lacking_is_said_at_preview(stack: Stack) -> None:
    lines = refused(stack)
    where = "multimesh:meshes.north.istio.install: false"
    assert f"{where}: {THEIRS}/{RELEASE} gives its proxies the root " in lines
    assert "Meshes are federated under one root: set trust.root to the one that signed this mesh's CA, or give" in lines
    assert f"{where}: sidecars would not resolve global names: set meshConfig.defaultConfig.proxyMetadata." in lines
    assert f"{where}: its proxies would refuse the trust domains south.mesh: set meshConfig.caCertificates" in lines
    assert "multimesh:meshes.north.trust_domain: 'north.mesh': is shop.example in mesh-control/istiod-stable" in lines


def test_with_what_was_said_the_mesh_is_federated(stack: Stack, company: Company, said: Lines) -> None:
    company.plug_in()
    company.install(
        caCertificates=[{"pem": (company.folder / "root.pem").read_text(), "trustDomains": ["south.mesh"]}],
        defaultConfig={"proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true"}},
    )
    company.run_web()

    def with_web(config: dict[str, Any]) -> None:
        config["multimesh:meshes"]["north"]["trust_domain"] = "shop.example"
        config["multimesh:services"] += [{"name": "web", "namespace": "shop", "port": 80, "meshes": {"north": 100}}]

    stack.configure(with_web)
    before = company.generation()
    stack.up()
    joins = f"mesh north: joins the control plane {THEIRS}/{RELEASE}, revision {REVISION}, and adds multimesh-gateway"
    assert any(joins in line for line in said)
    assert stack.settled() == []
    assert stack.wrong() == []
    stack.up("--expect-no-changes")
    policies = company.kubectl("get", "authorizationpolicies", "-A", "-o", "jsonpath={.items[*].spec.action}")
    assert {*policies.split()} == {"DENY"}
    assert "foreign-identities" not in company.kubectl("get", "envoyfilters", "-A", "-o", "name")
    added = {line for line in company.generation().splitlines() if "multimesh-gateway" not in line}
    assert added == set(before.splitlines())


def peer(stack: Stack, company: Company, port: int, folder: Path) -> bytes:
    """Return what the joined mesh's gateway answers to a workload of the stack's own mesh; nothing if it refuses."""
    root, key = ((company.folder / name).read_bytes() for name in ("root.pem", "root.key"))
    client = Issuer.load(root, key, root).issue("spiffe://south.mesh/ns/demo/sa/echo", folder)
    about = stack.outputs().meshes["north"]
    sni = f"outbound_.{port}_._.web.shop.svc.cluster.local"
    try:
        return ask((about.gateway_address, about.gateway_port), sni, root.decode(), client)
    except OSError:
        return b""


def is_answered(stack: Stack, company: Company, folder: Path, port: int = 80) -> bool:
    return peer(stack, company, port, folder).startswith(b"HTTP/1.1 200")


def test_a_port_that_is_not_listed_is_closed_to_peers_and_to_nobody_else(
    stack: Stack, company: Company, tmp_path: Path
) -> None:
    assert eventually(lambda: is_answered(stack, company, tmp_path), 60)
    assert not is_answered(stack, company, tmp_path, 81)
    assert company.answers("web", "http://web.shop:81/")


@pytest.mark.parametrize("port", WEB_PORTS)
def test_plaintext_that_the_company_admits_is_admitted(company: Company, port: int) -> None:
    assert company.answers("bare", f"http://web.shop:{port}/")


def test_a_policy_of_the_companys_stays_in_force(stack: Stack, company: Company, tmp_path: Path) -> None:
    source = {"principals": ["shop.example/ns/demo/sa/echo"]}
    allow = {"selector": {"matchLabels": WEB}, "action": "ALLOW", "rules": [{"from": [{"source": source}]}]}
    about = {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy"}
    company.apply(about | {"metadata": {"name": "theirs", "namespace": "shop"}, "spec": allow})
    assert eventually(lambda: peer(stack, company, 80, tmp_path).startswith(b"HTTP/1.1 403"), 60)
    company.kubectl("delete", "authorizationpolicy", "theirs", "-n", "shop")
    assert eventually(lambda: is_answered(stack, company, tmp_path), 60)


def test_destroy_leaves_the_control_plane_alone(stack: Stack, company: Company) -> None:
    before = company.kubectl("get", "deployment", RELEASE, "-o", "jsonpath={.metadata.generation}")
    stack.destroy()
    assert company.kubectl("get", "deployment", "-o", "name").split() == [f"deployment.apps/{RELEASE}"]
    assert company.kubectl("get", "deployment", RELEASE, "-o", "jsonpath={.metadata.generation}") == before
    ours = "virtualservices,serviceentries,destinationrules,envoyfilters,gateways.networking.istio.io"
    ours += ",authorizationpolicies"
    assert company.kubectl("get", ours, "-A", "-o", "name") == ""
