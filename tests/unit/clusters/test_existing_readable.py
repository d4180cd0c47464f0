"""Clusters of a single mesh are read from the others: with a kubeconfig that is of use there."""

from typing import Any

import pytest
from api_server import kubeconfig
from stack_settings import LOCAL

from components import preflight, settings
from components.clusters.existing import preflight as existing

READERS = "the other clusters of a single mesh read this one's endpoints from its API server"


@pytest.fixture(autouse=True)
def _answering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(existing, "missing", lambda _settings, **_given: ())


def stack(server: str, cluster: dict[str, Any], **topology: Any) -> settings.Settings:
    east = {"cluster": {"kind": "existing", "kubeconfig": kubeconfig(server, None, cluster)}}
    given = {"kind": "single-mesh", "network": "gateways", **topology} if topology else {"kind": "multi-mesh"}
    return settings.validate({"meshes": {"east": east, "west": LOCAL}, "topology": given})


@pytest.mark.parametrize(
    ("server", "cluster", "message"),
    [
        (f"https://{host}:6443", {}, f"{READERS}: its server must be an address that they reach, not {host}, which is")
        for host in ("127.0.0.1", "localhost", "kind.localhost", "0.0.0.0")  # noqa: S104 it is not listened at
    ]
    + [
        ("https://[::1]", {}, f"{READERS}: its server must be an address that they reach, not ::1, which is this"),
        ("https://it", {"proxy-url": "http://proxy:3128"}, f"{READERS} without a proxy: its server must be an address"),
        ("https://it", {"insecure-skip-tls-verify": True}, f"{READERS} and verify its certificate: replace insecure"),
    ],
)
def test_what_only_this_machine_can_use_is_refused(server: str, cluster: dict[str, Any], message: str) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        preflight.check(stack(server, cluster, control_plane="each"))
    [line] = str(caught.value).splitlines()[1:]
    assert line.startswith(f"  multimesh:meshes.east.cluster.kubeconfig: {message}")


def test_a_cluster_that_nobody_reads_may_be_reached_in_any_way() -> None:
    preflight.check(stack("https://127.0.0.1:6443", {}))
    preflight.check(stack("https://127.0.0.1:6443", {}, control_plane="one", primary="east"))


def test_a_server_that_has_a_name_is_taken() -> None:
    preflight.check(stack("https://it.example.com", {}, control_plane="each"))
