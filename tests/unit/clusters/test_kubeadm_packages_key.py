"""A node takes Kubernetes' packages by the signing key in the repository, or the same key with a later expiry date."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.clusters.kubeadm import user_data

PINNED = "DE15B14486CD377B9E876E1A234654DA9A296436"
"""Of "isv:kubernetes OBS Project", which signs pkgs.k8s.io."""
CURL = """#!/bin/sh
echo "curl $*" >>"$ASKED"
while [ "$1" != --output ]; do shift; done
cp "$SERVED" "$2"
"""
pytestmark = pytest.mark.needs("gpg")


@dataclass(frozen=True)
class Key:
    """What is published of a key: as it was until 2021, and as it is now."""

    fingerprint: str
    expired: str
    published: str


def key(folder: Path, name: str) -> Key:
    home = folder / name
    home.mkdir(mode=0o700)

    def gpg(*arguments: str) -> str:
        command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", "", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    then = ("--faked-system-time", "20200101T000000")
    gpg(*then, "--quick-generate-key", name, "ed25519", "sign", "1y")
    fingerprint = fingerprints(gpg("--list-keys", "--with-colons"))[0]
    expired = gpg("--armor", "--export")
    gpg("--quick-set-expire", fingerprint, "0")
    published = gpg("--armor", "--export")
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=True, timeout=60)  # it would stay
    return Key(fingerprint, expired, published)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return key(tmp_path_factory.mktemp("keys"), "ours")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return key(tmp_path_factory.mktemp("keys"), "theirs")


def fingerprints(listed: str) -> list[str]:
    return [line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:")]


@dataclass(frozen=True)
class Installed:
    """How the program ended, what it said, and what it asked apt and curl for."""

    code: int
    said: str
    asked: list[str]

    @property
    def fetched(self) -> bool:
        return any(line.startswith("curl ") for line in self.asked)

    @property
    def packages(self) -> bool:
        return any("kubeadm=1.37.2-*" in line for line in self.asked)


def installed(folder: Path, carried: str, fingerprint: str, served: str = "") -> Installed:
    """Run the program with stand-ins: `carried` is in the user data, `served` is what curl gets."""
    (folder / "served").write_text(served)
    programs = folder / "bin"
    programs.mkdir()
    asked = folder / "asked"
    asked.touch()
    for name in ("modprobe", "sysctl", "systemctl"):
        (programs / name).write_text("#!/bin/sh\n")
    for name in ("apt-mark", "apt-get"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >>"$ASKED"\n')
    (programs / "curl").write_text(CURL)
    for program in programs.iterdir():
        program.chmod(0o755)
    for created in ("etc/multimesh", "etc/apt/sources.list.d"):
        (folder / created).mkdir(parents=True)
    (folder / "etc/multimesh/node.env").write_text("KUBERNETES_VERSION=1.37.2\nCONTAINERD_SERIES=2.2\n")
    (folder / "etc/multimesh/kubernetes.asc").write_text(carried)
    text = user_data.node_file("install-kubernetes").replace("/etc/", f"{folder}/etc/").replace(PINNED, fingerprint)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "SERVED": str(folder / "served"),
        "ASKED": str(asked),
        "HOME": str(folder),
    }
    done = subprocess.run(["bash", "-c", text], env=environment, capture_output=True, text=True, timeout=60)
    return Installed(done.returncode, done.stdout, asked.read_text().splitlines())


def test_the_key_in_the_repository_is_the_one_with_the_pinned_fingerprint(tmp_path: Path) -> None:
    command = ["gpg", "--homedir", str(tmp_path), "--show-keys", "--with-colons"]
    shown = subprocess.run(
        command, input=user_data.node_file("kubernetes.asc"), capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert fingerprints(shown) == [PINNED]
    assert f"fingerprint={PINNED}\n" in user_data.node_file("install-kubernetes")


def test_packages_are_installed_by_the_key_in_the_user_data(tmp_path: Path, ours: Key) -> None:
    done = installed(tmp_path, ours.published, ours.fingerprint)
    assert (done.code, done.packages, done.fetched) == (0, True, False)
    assert (tmp_path / "etc/apt/keyrings/kubernetes.asc").read_text() == ours.published


def test_a_node_that_starts_after_the_key_s_expiry_date_fetches_the_same_key(tmp_path: Path, ours: Key) -> None:
    done = installed(tmp_path, ours.expired, ours.fingerprint, served=ours.published)
    assert (done.code, done.packages, done.fetched) == (0, True, True)
    assert (tmp_path / "etc/apt/keyrings/kubernetes.asc").read_text() == ours.published


def test_kubernetes_stays_at_its_version_and_containerd_gets_the_patches_of_its_series(
    tmp_path: Path, ours: Key
) -> None:
    asked = installed(tmp_path, ours.published, ours.fingerprint).asked
    assert [line for line in asked if line.startswith("apt-mark hold")] == ["apt-mark hold kubeadm kubectl kubelet"]
    preferences = (tmp_path / "etc/apt/preferences.d/containerd").read_text().splitlines()
    assert preferences == ["Package: containerd", "Pin: version 2.2.*", "Pin-Priority: 990"]


@pytest.mark.parametrize("beside", [False, True], ids=["instead", "beside"])
@pytest.mark.parametrize("fetched", [False, True], ids=["carried", "fetched"])
def test_nothing_is_installed_by_another_key(
    tmp_path: Path, ours: Key, theirs: Key, beside: bool, fetched: bool
) -> None:
    given = ours.published + theirs.published if beside else theirs.published
    carried = ours.expired if fetched else given
    done = installed(tmp_path, carried, ours.fingerprint, served=given)
    assert (done.code, done.packages, done.fetched) == (1, False, fetched)
    assert f"must be the key {ours.fingerprint} alone" in done.said
    assert theirs.fingerprint in done.said
    assert not (tmp_path / "etc/apt/keyrings/kubernetes.asc").exists()
