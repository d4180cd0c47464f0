"""What the machine lacks is said at once, before anything is made."""

import os
import platform
import shutil
from collections import namedtuple
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from lab import allocation, debian, preflight


@pytest.fixture
def able_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that has everything; each test takes one thing away."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(preflight, "CONTAINERD_TEMPLATE", tmp_path)
    monkeypatch.setattr(preflight, "_kernel", lambda: iter(()))
    monkeypatch.setattr(allocation, "_routes", list)
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")


@pytest.mark.usefixtures("able_machine")
def test_an_able_machine_lacks_nothing() -> None:
    assert list(preflight.faults()) == []


@pytest.mark.usefixtures("able_machine")
def test_another_system_is_the_only_fault_named_because_the_rest_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert [fault.split(":")[0] for fault in preflight.faults()] == ["Linux is needed, this is Darwin"]


@pytest.mark.usefixtures("able_machine")
def test_a_user_who_is_not_root_is_told_the_user_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(preflight, "missing", list)
    assert list(preflight.faults()) == ["root is needed, this is user 1000: use sudo, or a VM of its own."]


@pytest.mark.usefixtures("able_machine")
def test_an_old_go_is_named_with_the_version_that_was_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho go version go1.19.8 linux/amd64\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(preflight, "CONTAINERD_TEMPLATE", tmp_path / "not-built-yet")
    monkeypatch.setattr(preflight, "_disk", lambda: iter(()))
    (fault,) = preflight.faults()
    assert "Go 1.26 or newer is needed, go version go1.19.8 linux/amd64" in fault


@pytest.mark.usefixtures("able_machine")
def test_every_fault_is_named_in_one_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = namedtuple("usage", "total used free")(2**40, 2**40, 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(preflight, "CONTAINERD_TEMPLATE", tmp_path / "not-built-yet")
    found = list(preflight.faults())
    for expected in ("Go 1.26", "Debian's packages conntrack", "15 GiB of disk", "4 GiB of disk"):
        assert any(expected in fault for fault in found), (expected, found)


@pytest.mark.usefixtures("able_machine")
def test_a_machine_whose_networks_are_all_routed_is_told_by_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation, "find_all", list)
    monkeypatch.setattr(allocation, "_routes", lambda: [IPv4Network("10.0.0.0/8")])
    (fault,) = preflight.faults()
    assert fault == (
        "a cluster needs one of 10.200.0.0/16 to 10.254.0.0/16, all in use by: 10.0.0.0/8. "
        "Disconnect what routes them, such as a VPN."
    )


def test_faults_make_the_exit_code_1_and_are_all_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert preflight.report(["a", "b"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == ["  ✗ a", "  ✗ b"]


@pytest.mark.needs("dpkg-query")
def test_debian_packages_that_are_installed_are_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "PACKAGES", {"base-files": [], "no-such-package-anywhere": []})
    assert debian.missing() == ["no-such-package-anywhere"]


def test_packages_that_cannot_be_installed_end_with_what_apt_get_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    apt_get = tmp_path / "apt-get"
    apt_get.write_text("#!/bin/sh\necho E: no such package >&2\nexit 100\n")
    apt_get.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(debian, "missing", lambda: ["socat"])
    with pytest.raises(debian.InstallError, match=r"apt-get --quiet=2 update: E: no such package$"):
        debian.install()
