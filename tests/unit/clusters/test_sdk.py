"""A cloud's SDK that is not installed is told before anything is made."""

from pathlib import Path

import google_access
import pytest
from ec2_stack import EC2
from recording import record

from components.clusters import sdk
from components.schema.problems import SettingsError


def test_an_installed_package_is_not_missing() -> None:
    assert list(sdk.missing("ec2", "pulumi-aws", "aws")) == []


def test_a_missing_package_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk, "find_spec", lambda _name: None)
    assert list(sdk.missing("ec2", "pulumi-aws", "aws")) == [
        (("kind",), "ec2", "needs the Python package pulumi-aws: pip install '.[aws]'")
    ]


def test_every_cloud_tells_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    google_access.able(monkeypatch, tmp_path)
    monkeypatch.setattr(sdk, "find_spec", lambda _name: None)
    gke = {"kind": "gke", "location": "europe-west1-b", "project": "shop-123456", "api_cidrs": ["198.18.7.0/24"]}
    with pytest.raises(SettingsError) as refused:
        record({"meshes": {"east": {"cluster": EC2}, "west": {"cluster": gke}}})
    assert [line for line in str(refused.value).splitlines() if "needs the Python package" in line] == [
        "  multimesh:meshes.east.cluster.kind: 'ec2': needs the Python package pulumi-aws: pip install '.[aws]'",
        "  multimesh:meshes.west.cluster.kind: 'gke': needs the Python package pulumi-gcp: pip install '.[gcp]'",
    ]
