"""A node takes Kubernetes' packages by the signing key that the repository names, and by no other."""

import os
import subprocess
from pathlib import Path

import pytest

from components.clusters.kubeadm import user_data

PINNED = "DE15B14486CD377B9E876E1A234654DA9A296436"
"""Of "isv:kubernetes OBS Project", which signs pkgs.k8s.io."""
CURL = """#!/bin/sh
while [ "$1" != --output ]; do shift; done
cp "$SERVED" "$2"
"""
pytestmark = pytest.mark.needs("gpg")


def key(folder: Path, name: str) -> tuple[str, str]:
    """Make a key; return its fingerprint and what is published of it."""
    home = folder / name
    home.mkdir(mode=0o700)

    def gpg(*arguments: str) -> str:
        command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", "", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    gpg("--quick-generate-key", name, "ed25519", "sign", "never")
    listed = gpg("--list-keys", "--with-colons")
    fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
    published = gpg("--armor", "--export")
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=True, timeout=60)  # it would stay
    return fingerprint, published


def installed(folder: Path, served: str, fingerprint: str) -> tuple[int, str, list[str]]:
    """Run the program with stand-ins; return exit code, output, and what apt was asked."""
    (folder / "served").write_text(served)
    programs = folder / "bin"
    programs.mkdir()
    asked = folder / "asked"
    asked.touch()
    for name in ("modprobe", "sysctl", "systemctl"):
        (programs / name).write_text("#!/bin/sh\n")
    (programs / "apt-mark").write_text(f'#!/bin/sh\necho "apt-mark $*" >>{asked}\n')
    (programs / "curl").write_text(CURL)
    (programs / "apt-get").write_text(f'#!/bin/sh\necho "$*" >>{asked}\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    for created in ("etc/multimesh", "etc/apt/sources.list.d"):
        (folder / created).mkdir(parents=True)
    (folder / "etc/multimesh/node.env").write_text("KUBERNETES_VERSION=1.37.2\nCONTAINERD_SERIES=2.2\n")
    text = user_data.node_file("install-kubernetes").replace("/etc/", f"{folder}/etc/").replace(PINNED, fingerprint)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "SERVED": str(folder / "served"), "HOME": str(folder)}
    done = subprocess.run(["bash", "-c", text], env=environment, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, asked.read_text().splitlines()


def test_the_key_is_pinned_by_its_fingerprint() -> None:
    assert f"fingerprint={PINNED}\n" in user_data.node_file("install-kubernetes")


def test_packages_are_installed_by_the_pinned_key(tmp_path: Path) -> None:
    fingerprint, published = key(tmp_path, "ours")
    code, _, asked = installed(tmp_path, published, fingerprint)
    assert code == 0
    assert any("kubeadm=1.37.2-*" in line for line in asked)
    assert (tmp_path / "etc/apt/keyrings/kubernetes.asc").read_text() == published


def test_kubernetes_stays_at_its_version_and_containerd_gets_the_patches_of_its_series(tmp_path: Path) -> None:
    fingerprint, published = key(tmp_path, "ours")
    _, _, asked = installed(tmp_path, published, fingerprint)
    assert [line for line in asked if line.startswith("apt-mark hold")] == ["apt-mark hold kubeadm kubectl kubelet"]
    preferences = (tmp_path / "etc/apt/preferences.d/containerd").read_text().splitlines()
    assert preferences == ["Package: containerd", "Pin: version 2.2.*", "Pin-Priority: 990"]


@pytest.mark.parametrize("beside", [False, True], ids=["instead", "beside"])
def test_nothing_is_installed_by_another_key(tmp_path: Path, beside: bool) -> None:
    fingerprint, ours = key(tmp_path, "ours")
    stranger, theirs = key(tmp_path, "theirs")
    code, said, asked = installed(tmp_path, ours + theirs if beside else theirs, fingerprint)
    assert (code, asked) == (1, [])
    assert f"must be the key {fingerprint} alone" in said
    assert stranger in said
    assert not (tmp_path / "etc/apt/keyrings/kubernetes.asc").exists()
