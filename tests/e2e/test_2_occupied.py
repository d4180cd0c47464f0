"""A cluster in which somebody runs Istio: said at preview, and left as it is."""

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

SYSTEM = "istio-system"


@pytest.fixture(scope="module")
def kubeconfig(show: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a cluster that is none of the stack's."""
    made = cluster.create("occupied", show)
    (path := tmp_path_factory.mktemp("occupied") / "kubeconfig").write_text(made.kubeconfig)
    yield path
    cluster.destroy(made.id, show)


@pytest.fixture(scope="module")
def stack(show: Callable[[str], None], kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A stack with one mesh, in that cluster."""
    gateway = {"service": "NodePort", "address": "192.0.2.1"}
    north = {"cluster": {"kind": "existing", "kubeconfig": str(kubeconfig), "gateway": gateway}}

    def only_north(config: dict[str, Any]) -> None:
        config.pop("multimesh:services", None)
        config.update({"multimesh:meshes": {"north": north}, **platform()})

    made = Stack(tmp_path_factory.mktemp("stack"), show, "occupied")
    made.configure(only_north)
    return made


def helm(kubeconfig: Path, *arguments: str) -> None:
    subprocess.run(["helm", *arguments, "--namespace", SYSTEM, "--kubeconfig", kubeconfig], check=True)


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
    kubectl = ["kubectl", "--kubeconfig", kubeconfig]
    subprocess.run([*kubectl, "delete", "namespace", SYSTEM], check=True)
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


def test_crds_that_belong_to_nobodys_release_are_named(stack: Stack, kubeconfig: Path) -> None:
    label = "app.kubernetes.io/managed-by-"
    crd = "crd/virtualservices.networking.istio.io"
    subprocess.run(["kubectl", "--kubeconfig", kubeconfig, "label", crd, label], check=True)
    assert "1 CustomResourceDefinitions such as virtualservices.networking.istio.io. Helm takes over" in refused(stack)
