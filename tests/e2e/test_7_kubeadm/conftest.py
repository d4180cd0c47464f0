"""Two nodes, booted."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e import machine as view
from tests.e2e.kubeadm.booted import Booted, adapt_dns, made, ready


@pytest.fixture(scope="package")
def booted(tmp_path_factory: pytest.TempPathFactory, show: Callable[[str], None]) -> Iterator[Booted]:
    """Two nodes, up; nothing of them is left at the end, whatever happens."""
    before = view.snapshot()
    folder = tmp_path_factory.mktemp("kubeadm")
    cluster = Booted(show, folder / "addresses.json")
    try:
        cluster.made = made(folder, cluster.machine("first"), show)
        cluster.boot("first", "first", {})
        adapt_dns(cluster)
        cluster.join("worker", "worker")
        cluster.give_pods_a_network("worker")
        cluster.eventually(lambda api: cluster.machines["worker"].id in ready(api))
        cluster.give_pods_a_network("first")  # later, so that pods are on the worker
        yield cluster
    finally:
        for name in list(cluster.machines):
            cluster.kill(name)
    assert [line for line in view.left_since(before) if any(id in line for id in cluster.ids)] == []
