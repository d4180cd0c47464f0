"""The lab runs on Linux alone, and so do its tests."""

from pathlib import Path

import pytest

from lab import allocation, paths


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.needs("linux"))


@pytest.fixture
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without clusters and without routes; what the lab keeps is in the test's own folder."""
    monkeypatch.setattr(paths, "STATE", tmp_path / "state")
    monkeypatch.setattr(paths, "RUN", tmp_path / "run")
    monkeypatch.setattr(allocation, "_routes", list)
