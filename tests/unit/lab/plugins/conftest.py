"""What the tests of the Kubernetes stand-in run against."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from plugin_api_server import ApiServer
from plugin_helm import FakeHelm


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer.running() as server:
        yield server


@pytest.fixture
def helm(tmp_path: Path) -> Iterator[FakeHelm]:
    with FakeHelm.on_path(tmp_path) as helm:
        yield helm
