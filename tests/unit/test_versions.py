"""The lab runs the versions of Istio and Kubernetes that the program installs elsewhere."""

import re
from pathlib import Path

from components.versions import ISTIO_VERSION, KUBERNETES_VERSION
from lab import toolchain

GO_MODULES = Path(toolchain.__file__).parent / "toolchain/go.mod"


def test_the_lab_builds_the_same_kubernetes() -> None:
    assert f"v{KUBERNETES_VERSION}" == toolchain.KUBERNETES_VERSION
    assert re.findall(r"k8s\.io/kubernetes (\S+)", GO_MODULES.read_text()) == [f"v{KUBERNETES_VERSION}"]


def test_the_lab_builds_the_same_istio() -> None:
    # go.mod names Istio by its commit: Istio's tags are no versions to Go.
    assert toolchain.ISTIO_VERSION == ISTIO_VERSION
