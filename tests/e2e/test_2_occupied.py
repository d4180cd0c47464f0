"""A cluster in which somebody runs Istio: said at preview, and left as it is."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import CoreV1Api
from kubernetes.config import new_client_from_config

from lab import cluster
from lab.paths import CHARTS, IMAGE_HUB, IMAGE_TAG
from lab.stack import PulumiError, Stack
from tests.e2e.guest import platform
from tests.e2e.test_6_stacks import Lines

SYSTEM = "istio-system"


@pytest.fixture(scope="module")
def kubeconfig(show: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a cluster that is none of the stack's."""
    made = cluster.create("occupied", show)
    (path := tmp_path_factory.mktemp("occupied") / "kubeconfig").write_text(made.kubeconfig)
    yield path
    cluster.destroy(made.id, show)


@pytest.fixture(scope="module")
def said(show: Callable[[str], None]) -> Lines:
    return Lines(show)


@pytest.fixture(scope="module")
def stack(said: Lines, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A stack with one mesh, in that cluster."""
    gateway = {"service": "NodePort", "address": "192.0.2.1"}
    north = {"cluster": {"kind": "existing", "kubeconfig": str(kubeconfig), "gateway": gateway}}

    def only_north(config: dict[str, Any]) -> None:
        config.pop("multimesh:services", None)
        config.update({"multimesh:meshes": {"north": north}, **platform()})

    made = Stack(tmp_path_factory.mktemp("stack"), said.add, "occupied")
    made.configure(only_north)
    return made


def helm(kubeconfig: Path, *arguments: str) -> None:
    subprocess.run(["helm", *arguments, "--namespace", SYSTEM, "--kubeconfig", kubeconfig], check=True)


def kubectl(kubeconfig: Path, *arguments: str, text: str | None = None) -> str:
    command = ["kubectl", "--kubeconfig", kubeconfig, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, input=text).stdout


def refused(stack: Stack) -> str:
    with pytest.raises(PulumiError) as caught:
        stack.pulumi("preview", "--stack", stack.name)
    assert "Traceback" not in str(caught.value)
    [line] = [line for line in str(caught.value).splitlines() if "multimesh:meshes.north.cluster: " in line]
    return line.partition("multimesh:meshes.north.cluster: ")[2]


def test_an_istio_that_somebody_installed_is_named_with_its_releases(stack: Stack, kubeconfig: Path) -> None:
    images = ["--set", f"global.hub={IMAGE_HUB}", "--set", f"global.tag={IMAGE_TAG}"]
    helm(kubeconfig, "install", "istio-base", f"{CHARTS}/base", "--create-namespace")
    helm(kubeconfig, "install", "istiod", f"{CHARTS}/istiod", *images)
    line = refused(stack)
    assert "(it has Helm releases istio-base, istiod and Deployments istiod)" in line
    assert "`helm uninstall -n istio-system istio-base istiod` and `kubectl delete namespace istio-system`" in line


def test_a_namespace_that_is_left_is_named_and_nothing_of_an_uninstalled_istio_is(
    stack: Stack, kubeconfig: Path
) -> None:
    helm(kubeconfig, "uninstall", "istio-base", "istiod", "--wait")
    assert "(it has no workload)" in refused(stack)
    kubectl(kubeconfig, "delete", "namespace", SYSTEM)
    with new_client_from_config(str(kubeconfig)) as api:
        namespaces = {found.metadata.name for found in CoreV1Api(api).list_namespace().items if found.metadata}
    assert SYSTEM not in namespaces
    stack.preview()


def test_a_namespace_of_the_samples_name_is_named(stack: Stack, kubeconfig: Path) -> None:
    kubectl = ["kubectl", "--kubeconfig", kubeconfig]
    subprocess.run([*kubectl, "create", "namespace", "demo"], check=True)
    assert "the namespace demo is there already, and is not multimesh's" in refused(stack)
    stack.configure(lambda config: config.update({"multimesh:sample": False}))
    stack.preview()
    stack.configure(lambda config: config.pop("multimesh:sample"))
    subprocess.run([*kubectl, "delete", "namespace", "demo"], check=True)


def test_a_dns_that_answers_for_another_domain_alone_is_named(stack: Stack, kubeconfig: Path) -> None:
    config = ("--namespace", "kube-system", "configmap", "coredns")
    corefile = json.loads(kubectl(kubeconfig, "get", *config, "--output", "json"))["data"]["Corefile"]

    def answer_for(domains: str) -> None:
        data = {"Corefile": corefile.replace("cluster.local", domains)}
        kubectl(kubeconfig, "patch", *config, "--patch", json.dumps({"data": data}))

    answer_for("corp.internal")
    assert "set cluster.dns_domain: corp.internal of the mesh" in refused(stack)
    answer_for("cluster.local corp.internal")
    stack.preview()
    answer_for("cluster.local")


def test_crds_that_belong_to_nobodys_release_are_named(stack: Stack, kubeconfig: Path) -> None:
    label = "app.kubernetes.io/managed-by-"
    crd = "crd/virtualservices.networking.istio.io"
    kubectl(kubeconfig, "label", crd, label)
    assert "1 CustomResourceDefinitions such as virtualservices.networking.istio.io. Helm takes over" in refused(stack)


@pytest.fixture(scope="module")
def adopting(stack: Stack, kubeconfig: Path) -> Iterator[Stack]:
    """The stack, which takes over a namespace of somebody's with a part of an earlier Istio, and is destroyed again."""

    def adopt(config: dict[str, Any]) -> None:
        config["multimesh:meshes"]["north"]["istio"] = {"adopt": True}
        config["multimesh:sample"] = False

    kubectl(kubeconfig, "create", "namespace", SYSTEM)
    kubectl(kubeconfig, "label", "namespace", SYSTEM, "pod-security.kubernetes.io/enforce=privileged", "team=shop")
    kubectl(kubeconfig, "create", "serviceaccount", "istiod", "-n", SYSTEM)
    kubectl(kubeconfig, "create", "clusterrole", "istiod-clusterrole-istio-system", "--verb=get", "--resource=pods")
    stack.configure(adopt)
    with stack.destroyed_at_the_end():
        yield stack


def test_what_is_taken_over_is_named_at_preview(adopting: Stack, said: Lines) -> None:
    adopting.preview()
    taken = (
        "mesh north: `pulumi up` takes over (istio.adopt): the namespace istio-system, "
        "clusterroles/istiod-clusterrole-istio-system, 1 CustomResourceDefinitions such as virtualservices."
    )
    assert any(taken in line for line in said)


def test_a_namespace_and_parts_that_are_left_are_taken_over(adopting: Stack, kubeconfig: Path) -> None:
    adopting.up()
    namespace = json.loads(kubectl(kubeconfig, "get", "namespace", SYSTEM, "-o", "json"))["metadata"]
    assert {"team": "shop", "pod-security.kubernetes.io/enforce": "baseline"}.items() <= namespace["labels"].items()
    assert namespace["annotations"]["multimesh/adopted"] == "true"
    adopting.up("--expect-no-changes")


def test_destroy_keeps_the_namespace_and_what_others_made_of_the_crds(adopting: Stack, kubeconfig: Path) -> None:
    entry = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "somebodys", "namespace": "default"},
        "spec": {"hosts": ["shop.example"], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}]},
    }
    kubectl(kubeconfig, "apply", "-f", "-", text=json.dumps(entry))
    adopting.destroy()
    assert kubectl(kubeconfig, "get", "namespace", SYSTEM, "-o", "name")
    assert kubectl(kubeconfig, "get", "serviceentry", "-n", "default", "-o", "name")
    assert not kubectl(kubeconfig, "get", "deployments,clusterroles", "-n", SYSTEM, "-l", "app=istiod", "-o", "name")
