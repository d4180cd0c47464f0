"""A machine that has what Google Kubernetes Engine needs of it."""

import json
from pathlib import Path

import pytest

from components.clusters.gke.kubeconfig import PLUGIN
from components.clusters.gke.settings import PROJECT_VARIABLES


def able(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Give it made-up credentials, returned, and a credential plugin, and no project."""
    credentials = folder / "credentials.json"
    credentials.write_text(json.dumps({"type": "authorized_user"}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(credentials))
    for name in PROJECT_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    plugin = folder / PLUGIN
    plugin.write_text("#!/bin/sh\n")
    plugin.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return credentials
