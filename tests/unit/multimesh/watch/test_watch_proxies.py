"""Which proxies are asked, and what becomes of those that do not answer."""

import socket
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from api_server import kubeconfig
from kubernetes.client import Configuration, CoreV1Api
from kubernetes.client.exceptions import ApiException
from pydantic import SecretStr
from urllib3.exceptions import MaxRetryError

from multimesh import sidecar
from multimesh.verify.counters import CountersError
from multimesh.watch.observer import Observer
from multimesh.watch.proxies import Proxy, SilentError, find


def pod(namespace: str, name: str, *containers: str, native: bool = False, ending: str | None = None) -> Any:
    inside = [SimpleNamespace(name=one) for one in containers]
    return SimpleNamespace(
        metadata=SimpleNamespace(namespace=namespace, name=name, deletion_timestamp=ending),
        spec=SimpleNamespace(
            containers=inside, init_containers=[SimpleNamespace(name="istio-proxy")] if native else None
        ),
    )


class Api:
    """An API server that lists these pods, or fails."""

    def __init__(self, *pods: Any, error: Exception | None = None) -> None:
        self.pods, self.error = pods, error

    def list_pod_for_all_namespaces(self, **_: Any) -> Any:
        if self.error:
            raise self.error
        return SimpleNamespace(items=list(self.pods))


PODS = (
    pod("shop", "c", "app", "istio-proxy"),
    pod("shop", "a", "app", native=True),
    pod("data", "b", "app", "istio-proxy"),
    pod("shop", "without", "app"),
    pod("shop", "ending", "app", "istio-proxy", ending="now"),
    pod("istio-system", "gateway", "istio-proxy"),
)


def test_the_gateway_comes_first_and_then_a_pod_of_each_namespace() -> None:
    found = [("istio-system", "gateway"), ("data", "b"), ("shop", "a"), ("shop", "c")]
    assert find(Api(*PODS), 10) == (found, 0)  # pyright: ignore[reportArgumentType]
    assert find(Api(*PODS), 3) == (found[:3], 1)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ApiException(status=403, reason="Forbidden"), "its API server does not answer: Forbidden"),
        (MaxRetryError(None, "/", OSError("timed out")), "its API server does not answer: timed out"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_why_pods_cannot_be_listed_is_told(error: Exception, said: str) -> None:
    with pytest.raises(SilentError, match=said):
        find(Api(error=error), 10)  # pyright: ignore[reportArgumentType]


class Forward:
    """A port-forward whose other end answers each question with the next answer."""

    def __init__(self, *answers: bytes) -> None:
        self.near, self.far = socket.socketpair()
        self.thread = threading.Thread(target=self._answer, args=(answers,))
        self.thread.start()

    def _answer(self, answers: tuple[bytes, ...]) -> None:
        with self.far:
            for answer in answers:
                self.far.recv(65536)
                self.far.send(answer)

    def socket(self, _: int) -> socket.socket:
        return self.near

    def close(self) -> None:
        self.near.close()
        self.thread.join()


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_one_connection_serves_several_questions_and_a_broken_one_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    forwards = iter([Forward(ANSWER, ANSWER, b"no HTTP\r\n\r\n"), Forward(ANSWER)])
    monkeypatch.setattr(sidecar, "portforward", lambda *_, **__: next(forwards))
    proxy = Proxy(Configuration(), "shop", "a")
    assert [proxy.get("/clusters"), proxy.get("/stats")] == ["ok", "ok"]
    with pytest.raises(CountersError, match="pod shop/a: "):
        proxy.get("/clusters")
    assert proxy.get("/clusters") == "ok"
    proxy.close()


def test_port_forwards_that_begin_at_the_same_time_do_not_share_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one begins, the Kubernetes client of Python sends whatever its ApiClient is asked over a WebSocket."""
    clients = list[Any]()

    def begin(method: Any, *_: Any, **__: Any) -> Forward:
        clients.append(method.__self__.api_client)
        return Forward(ANSWER)

    monkeypatch.setattr(sidecar, "portforward", begin)
    listing = CoreV1Api()
    for name in ("a", "b"):
        proxy = Proxy(listing.api_client.configuration, "shop", name)
        proxy.get("/clusters")
        proxy.close()
    assert len({id(one) for one in [listing.api_client, *clients]}) == 3


def test_an_api_server_that_does_not_answer_is_told_and_watching_ends_when_it_should() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # nobody listens
        config = kubeconfig(f"http://127.0.0.1:{free.getsockname()[1]}")
        assert trouble(config).startswith("its API server does not answer: ")


def test_a_kubeconfig_that_cannot_be_used_is_told() -> None:
    assert trouble("{}").startswith("its kubeconfig cannot be used")


def trouble(kubeconfig: str) -> str:
    """What an observer says first; it ends when it is told to."""
    observer = Observer(SecretStr(kubeconfig), {}, 1)
    observer.start()
    deadline = time.monotonic() + 20
    while observer.seen.trouble == "not read yet" and time.monotonic() < deadline:
        time.sleep(0.05)
    observer.stop()
    observer.join()
    assert not observer._thread.is_alive()
    return observer.seen.trouble
