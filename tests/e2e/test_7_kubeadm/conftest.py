"""Two nodes, booted."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.kubeadm.booted import Booted


@pytest.fixture(scope="package")
def booted(tmp_path_factory: pytest.TempPathFactory, show: Callable[[str], None]) -> Iterator[Booted]:
    """Two nodes, up; nothing of them is left at the end, whatever happens."""
    with Booted.up(tmp_path_factory.mktemp("kubeadm"), show) as cluster:
        yield cluster
