"""Waiting for control-plane nodes that upgrade themselves: whom it names, and how long it has patience."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import yaml
from pulumi.dynamic.dynamic import serialize_provider

from components.clusters import kubernetes_version
from components.clusters.kubernetes_version import KubernetesVersionProvider, NotUpgradedError

OLD, NEW = "1.36.3", "1.37.2"


def node(name: str, version: str, *, ready: bool = True, cordoned: bool = False) -> dict[str, Any]:
    status = {"conditions": [{"type": "Ready", "status": str(ready)}], "nodeInfo": _info(version)}
    return {"metadata": {"name": name}, "spec": {"unschedulable": cordoned}, "status": status}


def _info(version: str) -> dict[str, str]:
    names = (
        "architecture",
        "bootID",
        "containerRuntimeVersion",
        "kernelVersion",
        "kubeProxyVersion",
        "machineID",
        "operatingSystem",
        "osImage",
        "systemUUID",
    )
    return dict.fromkeys(names, "") | {"kubeletVersion": f"v{version}"}


class Api(ThreadingHTTPServer):
    """Answers with one list of nodes after the other, None for an error; then with the last one for ever."""

    daemon_threads = True

    def __init__(self, *answers: list[dict[str, Any]] | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers)
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Api  # type: ignore[assignment] the only kind of server that has this handler

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        nodes = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        body = json.dumps({"kind": "NodeList", "apiVersion": "v1", "items": nodes or []}).encode()
        self.send_response(503 if nodes is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def waiting(*answers: list[dict[str, Any]] | None) -> Iterator[tuple[dict[str, Any], Api]]:
    """Yield what the resource is told, and the API that it asks."""
    with Api(*answers) as api:
        threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        document = {
            "kind": "Config",
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{api.server_port}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
        }
        yield {"mesh": "east", "version": NEW, "kubeconfig": yaml.safe_dump(document), "look_at": "Look there"}, api
        api.shutdown()


class Clock:
    """Time that goes by when somebody sleeps."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def _time_goes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes_version, "time", Clock())


def test_it_is_done_when_every_control_plane_node_has_the_version() -> None:
    said: list[str] = []
    nodes = [node("a", NEW), node("b", OLD)]
    with waiting(nodes, None, nodes, [node("a", NEW), node("b", NEW)]) as (told, api):
        kubernetes_version.wait(told, said.append, limit=60)
    assert said == [f"east: every control-plane node has Kubernetes {NEW}"]
    assert len(api.asked) == 4
    assert "labelSelector=node-role.kubernetes.io/control-plane" in api.asked[0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([node("a", NEW), node("b", OLD)], f"b ({OLD})"),
        ([node("a", NEW, ready=False)], "a (being upgraded)"),
        ([node("a", NEW, cordoned=True)], "a (being upgraded)"),
        ([], "no control-plane node"),
        (None, "the API does not answer: Service Unavailable"),
    ],
    ids=["old", "not ready", "cordoned", "none", "silent"],
)
def test_after_its_patience_it_names_who_is_left_and_where_to_look(
    answer: list[dict[str, Any]] | None, reason: str
) -> None:
    with waiting(answer) as (told, _), pytest.raises(NotUpgradedError) as error:
        kubernetes_version.wait(told, print, limit=60)
    assert f"do not have Kubernetes {NEW} after 1 minutes: {reason}. Look there" in str(error.value)


def test_each_node_that_is_done_renews_its_patience() -> None:
    slow = [[node("a", NEW), node("b", OLD), node("c", OLD)]] * 4 + [
        [node("a", NEW), node("b", NEW), node("c", OLD)]
    ] * 4
    with waiting(*slow, [node(name, NEW) for name in "abc"]) as (told, _):
        kubernetes_version.wait(told, print, limit=25)


def test_only_a_change_of_the_version_is_waited_for() -> None:
    provider = KubernetesVersionProvider()
    told = {"mesh": "east", "version": OLD, "kubeconfig": "one", "look_at": ""}
    assert provider.create(told).id == "east"  # no API is there
    assert provider.diff("east", told, {**told, "kubeconfig": "renewed"}).changes is False
    assert provider.diff("east", told, {**told, "version": NEW}).changes is True


def test_the_state_stores_the_provider_by_its_name_alone() -> None:
    assert len(serialize_provider(KubernetesVersionProvider())) < 200
