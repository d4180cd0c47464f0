"""The shop: workloads of many shapes in both meshes of the stack."""

from collections.abc import Iterator

import pytest

from lab.stack import Stack
from tests.e2e.shop import mixed
from tests.e2e.shop.certificate import tls_secret
from tests.e2e.shop.kubectl import Kubectl
from tests.e2e.shop.shop import Shop, opened
from tests.e2e.shop.workloads import exports, workloads


@pytest.fixture(scope="package")
def shop(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The workloads, exported by one `up`."""
    tls = tls_secret(mixed.TLS_NAME)
    with opened(stack, tmp_path_factory.mktemp("shop"), lambda mesh: workloads(mesh, tls), exports()) as shop:
        yield shop


@pytest.fixture(params=["east", "west"])
def mesh(request: pytest.FixtureRequest) -> str:
    """The mesh that is asked from."""
    return request.param


@pytest.fixture
def kubectl(shop: Shop, mesh: str) -> Kubectl:
    """Commands in the mesh that is asked from."""
    return shop.kubectl[mesh]
