"""What the Kubernetes stand-in does about a cluster that it cannot reach, or that is another one than before."""

import json
import time

import pytest
from plugin_api_server import ApiServer
from plugin_requests import check, configured, create, delete, read, service, urn

from lab.plugins.kubernetes.kubeconfig import UnreachableError
from lab.plugins.kubernetes.provider import Kubernetes
from lab.plugins.protocol import provider_pb2
from lab.plugins.server import PluginError
from lab.plugins.values import UNKNOWN, Properties, encode


@pytest.fixture
def unreachable(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The configuration of a cluster that refuses connections."""
    monkeypatch.setattr("lab.plugins.kubernetes.api._CONNECTION_RETRIES", 0)
    return {"kubeconfig": server.kubeconfig.replace(str(server.server_port), "1")}


def test_configuring_an_unreachable_cluster_is_fine(unreachable: dict[str, str]) -> None:
    assert check(configured(**unreachable), service(), "core/v1:Service") == service()


def test_previewing_on_an_unreachable_cluster_is_fine(unreachable: dict[str, str]) -> None:
    assert create(configured(**unreachable), service(), preview=True) == service()


def test_creating_on_an_unreachable_cluster_is_an_error(unreachable: dict[str, str]) -> None:
    with pytest.raises(PluginError, match="configured Kubernetes cluster is unreachable"):
        create(configured(**unreachable), service())


def test_a_cluster_behind_a_proxy_is_reached_by_it(server: ApiServer) -> None:
    config = json.loads(server.kubeconfig)
    cluster = config["clusters"][0]["cluster"]
    cluster |= {"server": "http://api.invalid", "proxy-url": cluster["server"]}
    assert create(configured(kubeconfig=json.dumps(config)), service())["kind"] == "Service"


@pytest.mark.parametrize("kubeconfig", ["no/such/file", "{}", "\n:"])
def test_a_kubeconfig_that_cannot_be_used_is_an_unreachable_cluster(kubeconfig: str) -> None:
    with pytest.raises(PluginError, match="configured Kubernetes cluster is unreachable"):
        create(configured(kubeconfig=kubeconfig), service())


def test_deleting_on_an_unreachable_cluster_says_how_to_forget_the_object(unreachable: dict[str, str]) -> None:
    with pytest.raises(PluginError, match="PULUMI_K8S_DELETE_UNREACHABLE"):
        delete(configured(**unreachable), service())


def test_objects_of_an_unreachable_cluster_are_forgotten_when_told_so(
    unreachable: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_K8S_DELETE_UNREACHABLE", "true")
    provider = configured(**unreachable)

    delete(provider, service())
    assert provider.read(provider_pb2.ReadRequest(id="demo/echo", urn=urn())).id == ""


def replaces(old: Properties, new: Properties) -> list[str]:
    request = provider_pb2.DiffRequest(olds=encode(old), news=encode(new))
    return list(Kubernetes().diff_config(request).replaces)


def test_another_cluster_identifier_replaces_everything() -> None:
    assert replaces({"clusterIdentifier": "a"}, {"clusterIdentifier": "b"}) == ["clusterIdentifier"]


def test_the_same_cluster_identifier_replaces_nothing_even_if_the_kubeconfig_is_not_known() -> None:
    old, new = ({"clusterIdentifier": "a", "kubeconfig": value} for value in ("x", UNKNOWN))

    assert replaces(old, new) == []


def test_without_an_identifier_a_kubeconfig_that_is_not_known_counts_as_another_cluster() -> None:
    assert replaces({"kubeconfig": "x"}, {"kubeconfig": UNKNOWN}) == ["kubeconfig"]


def test_without_an_identifier_another_user_is_still_the_same_cluster(server: ApiServer) -> None:
    old, new = server.kubeconfig, server.kubeconfig.replace('"token": "t"', '"token": "other"')

    assert replaces({"kubeconfig": old}, {"kubeconfig": new}) == []


def test_what_was_never_reached_is_waited_for_once(server: ApiServer) -> None:
    server.server_close()
    provider = configured(kubeconfig=server.kubeconfig)
    started = time.monotonic()

    for _ in range(3):
        with pytest.raises(PluginError, match="unreachable"):
            create(provider, service())
    assert time.monotonic() - started < 0.45, "a second wait would take half a second"


def test_a_cluster_that_came_up_after_the_decision_stays_unreachable(unreachable: dict[str, str]) -> None:
    provider = configured(**unreachable, skipUpdateUnreachable="true")
    provider.api._http.base_url = "http://127.0.0.1:2"

    with pytest.raises(PluginError, match="refused"):
        create(provider, service())


def test_a_server_that_ends_after_the_decision_fails_each_read(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.plugins.kubernetes.api._CONNECTION_RETRIES", 0)
    provider = configured(kubeconfig=server.kubeconfig, skipUpdateUnreachable="true")
    server.shutdown()
    server.server_close()

    with pytest.raises(PluginError, match="refused") as raised:
        read(provider, service(), service())
    assert not isinstance(raised.value, UnreachableError)
