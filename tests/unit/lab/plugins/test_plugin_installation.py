"""What the Kubernetes stand-in tells helm to do about a release, whatever state an earlier run left it in."""

import threading
from pathlib import Path
from typing import Any

import pytest
from plugin_api_server import ApiServer
from plugin_helm import INPUTS, FakeHelm, recorded
from plugin_requests import configured

from lab.plugins.kubernetes.charts import chart_arguments
from lab.plugins.kubernetes.helm import Helm, HelmError
from lab.plugins.kubernetes.installation import Installation
from lab.plugins.kubernetes.kubeconfig import load
from lab.plugins.kubernetes.provider import Kubernetes


@pytest.fixture
def provider(server: ApiServer) -> Kubernetes:
    return configured(kubeconfig=server.kubeconfig)


def installation(provider: Kubernetes, **inputs: Any) -> Installation:
    helm = Helm(load(provider.settings.kubeconfig), threading.Event())
    return Installation(helm, INPUTS | inputs, [].append)


def test_a_new_release_is_installed_and_awaited(provider: Kubernetes, helm: FakeHelm) -> None:
    installation(provider).install()

    arguments = helm.runs[0]["arguments"]
    assert arguments[:7] == ["install", "echo", "./echo", "--namespace", "demo", "--wait", "--timeout"]


def test_a_release_that_need_not_be_awaited_is_not(provider: Kubernetes, helm: FakeHelm) -> None:
    installation(provider, skipAwait=True).install()

    assert "--wait" not in helm.runs[0]["arguments"]


def test_values_and_kubeconfig_are_files_that_only_this_user_reads(provider: Kubernetes, helm: FakeHelm) -> None:
    installation(provider).install()

    run = helm.runs[0]
    assert (run["--values"], run["mode"]) == ({"replicas": 2}, "0o600")
    assert run["--kubeconfig"]["users"][0]["user"] == {"token": "t"}


def test_flags_of_the_release_are_flags_of_helm(provider: Kubernetes, helm: FakeHelm) -> None:
    installation(provider, atomic=True, createNamespace=True, waitForJobs=True, skipCrds=True).install()

    assert {"--atomic", "--create-namespace", "--wait-for-jobs", "--skip-crds"} <= set(helm.runs[0]["arguments"])


def test_a_chart_is_found_in_its_repository() -> None:
    inputs = INPUTS | {"chart": "base", "version": "1.31.0", "repositoryOpts": {"repo": "https://charts.example"}}

    assert chart_arguments(inputs) == (
        ["echo", "base", "--namespace", "demo", "--version", "1.31.0", "--repo", "https://charts.example"]
    )


@pytest.mark.parametrize("statuses", [["deployed"], ["failed"], ["pending-install"], ["deployed", "pending-upgrade"]])
def test_what_an_earlier_run_left_is_not_cleaned_up(
    provider: Kubernetes, server: ApiServer, helm: FakeHelm, statuses: list[str]
) -> None:
    recorded(server, *statuses)

    installation(provider).install()
    installation(provider).upgrade()
    installation(provider).uninstall()
    assert helm.verbs == ["install", "upgrade", "uninstall"]


def test_removing_a_release_that_is_gone_is_an_error_as_in_the_official_plugin(
    provider: Kubernetes, helm: FakeHelm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELM_FAILS", "uninstall")

    with pytest.raises(HelmError):
        installation(provider).uninstall()
    assert "--ignore-not-found" not in helm.runs[0]["arguments"]


def test_cancelling_ends_helm(provider: Kubernetes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "helm").write_text("#!/bin/sh\nexec sleep 30\n")
    (tmp_path / "helm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    helm = Helm(load(provider.settings.kubeconfig), cancelled := threading.Event())
    cancelled.set()

    with pytest.raises(HelmError, match="ended with status"):
        helm.run("install")


def test_a_machine_without_helm_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(HelmError, match="helm is not on PATH"):
        Helm(None, threading.Event()).run("version")
