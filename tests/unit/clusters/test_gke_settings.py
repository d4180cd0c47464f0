"""What can be wrong with a GKE cluster before it is made: in its settings, and on this machine."""

from pathlib import Path
from typing import Any

import google_access
import pytest

from components import preflight, settings
from components.clusters.gke import preflight as gke_preflight

PATH = "multimesh:meshes.west.cluster"


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return google_access.able(monkeypatch, tmp_path)


def raw(**changes: Any) -> dict[str, Any]:
    given = {"kind": "gke", "project": "shop-123456", "location": "europe-west1-b", "api_cidrs": ["100.64.1.2/32"]}
    given |= changes
    return {"meshes": {"west": {"cluster": {key: value for key, value in given.items() if value is not None}}}}


def mistakes(**changes: Any) -> list[str]:
    with pytest.raises(settings.SettingsError) as caught:
        preflight.check(settings.validate(raw(**changes)))
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"project": "example.com:shop-123456"},
        {"location": "northamerica-northeast1"},
        {"location": "us-central1-f"},
        {"machine_type": "n2-custom-4-8192"},
        {"nodes": 1},
        {"pod_cidr": "10.64.0.0/22", "nodes": 3},
        {"api_cidrs": ["0.0.0.0/0"], "api_open_to_the_world": True},
        {"private_endpoint": True, "dataplane_v2": False, "flow_logs": False, "image_streaming": True},
        {"secrets_key": "projects/a/locations/europe-west1/keyRings/b/cryptoKeys/c", "binary_authorization": True},
    ],
)
def test_what_can_be_made_is_accepted(changes: dict[str, Any]) -> None:
    preflight.check(settings.validate(raw(**changes)))


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        ({"location": None}, ".location: is missing"),
        (
            {"private_endpoint": True, "private_nodes": False},
            ".private_endpoint: true: must be false with private_nodes: false, as GKE has it for private nodes alone",
        ),
        (
            {"secrets_key": "shop"},
            ".secrets_key: 'shop': must be the name of a key: "
            "projects/<project>/locations/<region>/keyRings/<ring>/cryptoKeys/<key>",
        ),
        ({"api_cidrs": None}, ".api_cidrs: is missing"),
        (
            {"location": "europe-west-1"},
            ".location: 'europe-west-1': must be a zone such as europe-west1-b, or a region such as europe-west1",
        ),
        (
            {"project": "Shop"},
            ".project: 'Shop': must be the id of a Google Cloud project, such as shop-123456",
        ),
        ({"machine_type": "e2"}, ".machine_type: 'e2': must be a machine type such as e2-standard-2"),
        ({"nodes": 0}, ".nodes: 0: must be a number of nodes from 1 to 100"),
        ({"nodes": True}, ".nodes: true: must be a number of nodes from 1 to 100"),
        (
            {"nodes": 20, "pod_cidr": "10.64.0.0/20"},
            ".pod_cidr: '10.64.0.0/20': must have room for 5376 addresses: use /19 or larger",
        ),
        (
            {"location": "europe-west1", "pod_cidr": "10.64.0.0/21"},
            ".pod_cidr: '10.64.0.0/21': must have room for 2304 addresses: use /20 or larger",
        ),
        (
            {"nodes": 30, "node_cidr": "10.64.0.0/28"},
            ".node_cidr: '10.64.0.0/28': must have room for 35 addresses: use /26 or larger",
        ),
        (
            {"node_cidr": "10.17.4.0/24"},
            ".pod_cidr: '10.17.0.0/16': must not overlap node_cidr, which is 10.17.4.0/24",
        ),
        (
            {"control_plane_cidr": "10.64.0.0/27"},
            ".control_plane_cidr: '10.64.0.0/27': must be a /28, which GKE's control plane requires",
        ),
        (
            {"api_cidrs": ["0.0.0.0/0"]},
            ".api_cidrs: 0.0.0.0/0 opens the Kubernetes API to the world; if you intend that, set "
            "api_open_to_the_world: true",
        ),
        (
            {"release_channel": "stable"},
            ".release_channel: 'stable': allowed: 'RAPID', 'REGULAR', 'STABLE' or 'EXTENDED'",
        ),
    ],
)
def test_each_mistake_has_its_message(changes: dict[str, Any], mistake: str) -> None:
    assert mistakes(**changes) == [f"{PATH}{mistake}"]


def test_every_mistake_is_named_at_once() -> None:
    assert len(mistakes(location="here", nodes=0, machine_type="big", pod_cidr="10.16.0.0/16")) == 4


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("variable", ["GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT"])
def test_the_project_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "shop-654321")
    checked = settings.validate(raw(project=None))
    preflight.check(checked)
    (mesh,) = checked.meshes.values()
    assert mesh.cluster.kind == "gke"
    assert mesh.cluster.project_id == "shop-654321"


def test_all_that_this_machine_lacks_is_named_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    google_access.able(monkeypatch, tmp_path)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "none"))
    monkeypatch.setattr(gke_preflight, "_at_google", lambda: False)
    monkeypatch.setenv("PATH", "")
    found = mistakes(project=None, api_cidrs=["192.0.2.0/24"])
    assert [line.split(": ")[0] for line in found] == [f"{PATH}{key}" for key in (".api_cidrs[0]", ".project", "", "")]
    api, project, plugin, credentials = found
    assert "'192.0.2.0/24': is a documentation range (RFC 5737); use your own" in api
    assert "run `gcloud auth application-default login`" in credentials
    assert "gcloud components install gke-gcloud-auth-plugin" in plugin
    assert "is missing; set it, or the environment variable GOOGLE_CLOUD_PROJECT" in project


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "No such file or directory"),
        ("no json", "is not a Google credentials file"),
        ("{}", "is not a Google credentials file"),
    ],
)
def test_a_credentials_file_that_is_none_is_named(credentials: Path, content: str | None, fault: str) -> None:
    credentials.unlink()
    if content is not None:
        credentials.write_text(content)
    assert mistakes() == [f"{PATH}: GOOGLE_APPLICATION_CREDENTIALS is {credentials}: {fault}"]


def test_gclouds_own_credentials_are_found(monkeypatch: pytest.MonkeyPatch, credentials: Path) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(credentials.parent))
    credentials.rename(credentials.parent / "application_default_credentials.json")
    preflight.check(settings.validate(raw()))
