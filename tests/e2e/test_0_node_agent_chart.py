"""Istio's own chart of the CNI node agent, rendered with the values of each kind of cluster."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.clusters.cluster import Platform
from components.clusters.existing import cluster as existing
from components.clusters.existing.settings import NodeFolders
from components.clusters.gke import cluster as gke
from components.istio import NODE_AGENT
from lab.paths import CHARTS

ON_GKE, ELSEWHERE = "v1.33.5-gke.1162000", "v1.33.5"


def daemon_set(platform: Platform, version: str, folder: Path) -> dict[str, Any]:
    """Return the DaemonSet in a cluster of this Kubernetes version."""
    namespace, name = NODE_AGENT
    values = folder / "values.json"
    values.write_text(json.dumps(platform.values.get("cni", {})))
    command = ["helm", "template", name, f"{CHARTS}/cni", "-n", namespace, "-f", values, "--kube-version", version]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    [found] = [one for one in yaml.safe_load_all(rendered) if one and one["kind"] == "DaemonSet"]
    return found


@pytest.mark.parametrize(
    ("platform", "version", "plugins"),
    [
        (Platform(), ELSEWHERE, "/opt/cni/bin"),
        (existing.platform(NodeFolders()), ELSEWHERE, "/opt/cni/bin"),
        (existing.platform(NodeFolders(bin_dir="/home/kubernetes/bin")), ON_GKE, "/home/kubernetes/bin"),
        (gke.platform(), ON_GKE, "/home/kubernetes/bin"),
    ],
    ids=["ec2", "existing", "existing on GKE", "gke"],
)
def test_it_uses_the_folders_of_the_pod_network(platform: Platform, version: str, plugins: str, tmp_path: Path) -> None:
    found = daemon_set(platform, version, tmp_path)
    folders = {one["name"]: one["hostPath"]["path"] for one in found["spec"]["template"]["spec"]["volumes"]}
    assert (folders["cni-bin-dir"], folders["cni-net-dir"]) == (plugins, "/etc/cni/net.d")


def test_it_runs_on_every_node_with_the_priority_of_a_nodes_own_programs(tmp_path: Path) -> None:
    spec = daemon_set(gke.platform(), ON_GKE, tmp_path)["spec"]["template"]["spec"]
    assert spec["priorityClassName"] == "system-node-critical"
    assert {"effect": "NoSchedule", "operator": "Exists"} in spec["tolerations"]


def test_pods_that_started_before_it_are_repaired(tmp_path: Path) -> None:
    [container] = daemon_set(Platform(), ELSEWHERE, tmp_path)["spec"]["template"]["spec"]["containers"]
    assert "/host/proc" in {one["mountPath"] for one in container["volumeMounts"]}
