"""A single mesh, and the shop in it."""

from collections.abc import Callable, Iterator

import pytest

from lab.stack import Stack
from tests.e2e.shop import mixed
from tests.e2e.shop.certificate import tls_secret
from tests.e2e.shop.kubectl import Kubectl
from tests.e2e.shop.shop import Shop, opened


@pytest.fixture(scope="package", params=["gateways", "flat"])
def single(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, show: Callable[[str], None]
) -> Iterator[Stack]:
    """A stack of its own, up as one mesh over two clusters."""
    with Stack(tmp_path_factory.mktemp("single"), show, "single").destroyed_at_the_end() as stack:
        topology = {"kind": "single-mesh", "network": request.param}
        stack.configure(lambda config: config.update({"multimesh:topology": topology}))
        stack.up()
        assert stack.settled() == []
        yield stack


@pytest.fixture(scope="package")
def shop(single: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Services of every protocol in both clusters, exported by one `up`."""
    tls = tls_secret(mixed.TLS_NAME)
    exports = [
        mixed.exported("even"),
        mixed.exported("weighted", meshes=mixed.WEIGHTS, split="weighted"),
        mixed.exported("guarded", callers=["east/ns/shop", "west/ns/shop"]),
    ]
    folder = tmp_path_factory.mktemp("shop")
    with opened(single, folder, lambda cluster: mixed.workloads(cluster, tls), exports) as shop:
        yield shop


@pytest.fixture(params=["east", "west"])
def kubectl(shop: Shop, request: pytest.FixtureRequest) -> Kubectl:
    """Commands in the cluster that is asked from."""
    return shop.kubectl[request.param]
