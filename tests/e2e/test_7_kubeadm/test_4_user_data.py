"""The user data, as the programs that read it see it."""

import re
from pathlib import Path

import pytest
import yaml

from components.clusters.kubeadm import configuration
from components.clusters.kubeadm.user_data import WANTED_VERSION
from tests.e2e.kubeadm import cloud_init
from tests.e2e.kubeadm.booted import Booted, accepted


@pytest.mark.parametrize("role", ["first", "another", "worker"])
def test_no_secret_is_in_user_data(booted: Booted, role: str) -> None:
    for path, content in booted.made["parameters"].items():
        if not path.endswith((".crt", ".pub", WANTED_VERSION)):
            assert content.strip() not in booted.made[role], path


@pytest.mark.parametrize("role", ["first", "another", "worker"])
def test_cloud_init_takes_the_whole_user_data(booted: Booted, role: str) -> None:
    assert cloud_init.faults(booted.made[role]) == ""


def test_cloud_init_would_refuse_user_data_that_it_cannot_act_on() -> None:
    assert "0.permissions" in cloud_init.faults("#cloud-config\nwrite_files: [{path: /a, permissions: 420}]\n")


@pytest.mark.parametrize("role", ["first", "another", "worker"])
def test_kubeadm_takes_its_configuration_as_it_was_rendered(booted: Booted, role: str, tmp_path: Path) -> None:
    token = booted.made["parameters"]["/worker/token"]
    files = {file["path"]: file["content"] for file in yaml.safe_load(booted.made[role])["write_files"]}
    configurations = [files.get(f"/etc/multimesh/{name}.yaml") for name in ("cluster", "init", "join")]
    (tmp_path / "identity.conf").touch()
    for text in filter(None, configurations):
        text = text.replace(configuration.IDENTITY, str(tmp_path / "identity.conf"))
        (tmp_path / "config.yaml").write_text(text.replace("TOKEN", token).replace("NODE_NAME", "i-1"))
        accepted("kubeadm", "config", "validate", "--config", str(tmp_path / "config.yaml"))
    assert len(list(filter(None, configurations))) == {"first": 3, "another": 2, "worker": 1}[role]


def test_containerd_takes_its_configuration_as_it_was_rendered(booted: Booted, tmp_path: Path) -> None:
    files = {file["path"]: file["content"] for file in yaml.safe_load(booted.made["worker"])["write_files"]}
    (tmp_path / "config.toml").write_text(files["/etc/containerd/config.toml"])
    dumped = accepted("containerd", "--config", str(tmp_path / "config.toml"), "config", "dump")
    assert re.search(r"SystemdCgroup = true", dumped)
    assert re.search(r"sandbox = 'registry.k8s.io/pause:", dumped)
