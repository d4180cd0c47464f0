"""A control-plane node upgrades itself when it is its turn, and changes nothing before."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.clusters.kubeadm import user_data

HAD, WANTED = "1.36.3", "1.37.2"
NODE, OTHER = "i-1", "i-2"
KUBECTL = """
case "$*" in
*" create --filename -")
    cat >/dev/null
    [ -e "$STATE/holder" ] && exit 1
    echo i-1 >"$STATE/holder"
    ;;
*" get lease "*) cat "$STATE/holder" ;;
*" delete lease "*) rm "$STATE/holder" ;;
*" wait "*) [ ! -e "$STATE/unready" ] ;;
*" get nodes "*) echo 10.0.0.1 10.0.0.2 ;;
*" get configmap kubeadm-config "*) echo "kubernetesVersion: v$(cat "$STATE/reached")" ;;
*" get node i-1 "*) printf v%s "$(cat "$STATE/kubelet")" ;;
esac
"""
CURL = """
host=$(basename "$(dirname "${@: -1}")")
grep --quiet "^$host$" "$STATE/sick" && health=false || health=true
echo "{\\"health\\":\\"$health\\"}"
"""
PROGRAMS = {
    "kubectl": KUBECTL,
    "kubeadm": '[ "$2" = apply ] && [ -e "$STATE/apply-fails" ] && exit 1; true',
    "curl": CURL,
    "install-kubernetes": "true",
    "systemctl": '[ "$*" = "restart kubelet" ] && echo "$WANTED" >"$STATE/kubelet"; true',
    "sleep": "true",
    "python3": """
case "$*" in
*fetch_secrets.py*) mkdir -p "$3" && echo "$WANTED" >"$3/$4" ;;
*) echo i-1 ;;
esac
""",
}
CHANGES = ("install-kubernetes", "kubeadm upgrade", "kubectl drain", "systemctl", "kubectl uncordon")


@dataclass
class Node:
    """A machine with stand-ins for the programs; what they know is in files of `state`."""

    folder: Path

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def run(self, wanted: str = WANTED) -> tuple[int, str]:
        """Do what the timer does; return the exit code and what was said."""
        text = user_data.node_file("upgrade-kubernetes")
        for path in ("/etc/", "/run/", "/var/"):
            text = text.replace(path, f"{self.folder}{path}")
        text = text.replace("/usr/bin/python3", "python3")
        environment = {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
            "STATE": str(self.state),
            "WANTED": wanted,
        }
        done = subprocess.run(["bash", "-c", text], env=environment, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    @property
    def done(self) -> list[str]:
        """What was changed, in its order."""
        asked = (self.state / "asked").read_text().replace(f" --cache-dir {self.folder}/run/multimesh-kubectl", "")
        lines = [line.replace(" --namespace kube-system", "") for line in asked.splitlines()]
        return [" ".join(line.split()[:4]) for line in lines if line.startswith(CHANGES)]

    @property
    def version(self) -> str:
        (line,) = (self.folder / "etc/multimesh/node.env").read_text().splitlines()[:1]
        return line.removeprefix("KUBERNETES_VERSION=")


@pytest.fixture
def node(tmp_path: Path) -> Node:
    for folder in ("bin", "state", "run", "etc/multimesh", "etc/kubernetes", "var/lib/kubelet"):
        (tmp_path / folder).mkdir(parents=True)
    for name, text in PROGRAMS.items():
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/bash\necho "{name} $*" >>"$STATE/asked"\n{text}\n')
        program.chmod(0o755)
    files = {
        "etc/multimesh/node.env": f"KUBERNETES_VERSION={HAD}\nPARAMETERS=/a/b\n",
        "etc/multimesh/cluster.yaml": f"kind: ClusterConfiguration\nkubernetesVersion: v{HAD}\n",
        "etc/kubernetes/admin.conf": "",
        "var/lib/kubelet/config.yaml": "",
        "state/reached": HAD,
        "state/kubelet": HAD,
        "state/sick": "",
    }
    for path, text in files.items():
        (tmp_path / path).write_text(text)
    return Node(tmp_path)


ALL = [
    "install-kubernetes 1.37.2 kubeadm kubectl",
    "kubeadm upgrade apply v1.37.2",
    "kubectl drain i-1 --ignore-daemonsets",
    "install-kubernetes 1.37.2",
    "systemctl daemon-reload",
    "systemctl restart kubelet",
    "kubectl uncordon i-1",
]


def test_the_first_node_upgrades_the_control_plane_then_its_kubelet(node: Node) -> None:
    code, said = node.run()
    assert (code, node.done) == (0, ALL), said
    assert (node.version, (node.state / "holder").exists()) == (WANTED, False)
    assert f"kubernetesVersion: v{WANTED}\n" in (node.folder / "etc/multimesh/cluster.yaml").read_text()
    assert not (node.folder / "etc/kubernetes/admin.conf").exists()
    assert not (node.folder / "run/multimesh-upgrade.conf").exists()


def test_a_further_node_follows_the_version_that_the_cluster_has_reached(node: Node) -> None:
    (node.state / "reached").write_text(WANTED)
    assert node.run()[0] == 0
    assert node.done[1].startswith("kubeadm upgrade node ")


def test_a_node_with_the_wanted_version_does_nothing(node: Node) -> None:
    assert node.run(HAD) == (0, "")
    assert node.done == []


@pytest.mark.parametrize(
    "wanted", ["1.38.0", "2.37.0", "1.36.2", "1.35.9", "latest", "1.37", "1.37.2; true", "a[$(touch x)].1.1"]
)
def test_a_version_that_is_not_the_next_changes_nothing(node: Node, wanted: str) -> None:
    code, said = node.run(wanted)
    assert (code, node.done, node.version) == (1, [], HAD)
    assert f"from {HAD} to {wanted}: must be newer, by one minor version at most" in said


def test_it_waits_while_another_node_is_upgraded(node: Node) -> None:
    (node.state / "holder").write_text(OTHER)
    assert node.run() == (0, f"upgrade-kubernetes: waiting for {OTHER}, which has the lease multimesh-upgrade\n")
    assert node.done == []


def test_it_changes_nothing_while_a_member_of_etcd_is_not_healthy(node: Node) -> None:
    (node.state / "sick").write_text("10.0.0.2:2379\n")
    code, said = node.run()
    assert (code, node.done) == (1, [])
    assert "etcd on 10.0.0.2 is not healthy" in said


def test_it_changes_nothing_while_a_control_plane_node_is_not_ready(node: Node) -> None:
    (node.state / "unready").touch()
    code, said = node.run()
    assert (code, node.done) == (1, [])
    assert "the control plane is not well: nothing is changed" in said


def test_after_a_failure_it_has_its_turn_still_and_goes_on(node: Node) -> None:
    (node.state / "apply-fails").touch()
    assert node.run()[0] == 1
    assert ((node.state / "holder").read_text().strip(), node.version) == (NODE, HAD)
    assert not (node.folder / "run/multimesh-upgrade.conf").exists()
    (node.state / "apply-fails").unlink()
    assert node.run()[0] == 0
    assert node.done == ALL[:2] + ALL
    assert not (node.state / "holder").exists()
