"""The stack `dev`: as it is committed, and as docs/clouds.md has its reader configure it."""

import re
import shlex
from copy import deepcopy
from pathlib import Path
from typing import Any

import aws_answers
import google_access
import pytest
import yaml
from recording import CHECKOUT

COMMITTED: dict[str, Any] = {
    key.removeprefix("multimesh:"): value
    for key, value in yaml.safe_load((CHECKOUT / "Pulumi.dev.yaml").read_text())["config"].items()
}


def with_accounts(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Give this machine made-up credentials for both clouds, and a project."""
    google_access.able(monkeypatch, folder)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "shop-123456")
    for name, value in aws_answers.CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def documented() -> dict[str, Any]:
    """The configuration after the commands of the documentation."""
    document = (CHECKOUT / "docs/clouds.md").read_text()
    commands = re.findall(r"^\$ pulumi config set --stack dev --path (.*)$", document, re.MULTILINE)
    assert commands
    config = deepcopy(COMMITTED)
    for command in commands:
        path, value = shlex.split(command)
        *keys, last = (int(key) if key.isdigit() else key for key in re.findall(r"[^.:\[\]]+", path)[1:])
        inner: Any = config
        for key in keys:
            inner = inner[key]
        inner[last] = value
    return config
