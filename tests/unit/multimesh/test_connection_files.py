"""The files that a connection to an API server needs: its own, for as long as it is open."""

import base64
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml
from pydantic import SecretStr

from multimesh.connection import UnreachableError, connected


def kubeconfig(**cluster: Any) -> SecretStr:
    data = {name: base64.b64encode(name.encode()).decode() for name in ("ca", "certificate", "key")}
    document = {
        "clusters": [
            {
                "name": "x",
                "cluster": {"server": "https://192.0.2.1", "certificate-authority-data": data["ca"], **cluster},
            }
        ],
        "users": [
            {
                "name": "x",
                "user": {"client-certificate-data": data["certificate"], "client-key-data": data["key"]},
            }
        ],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "current-context": "x",
    }
    return SecretStr(yaml.safe_dump(document))


def files(api: Any) -> dict[str, Path]:
    settings = api.configuration
    return {
        "ca": Path(settings.ssl_ca_cert),
        "certificate": Path(settings.cert_file),
        "key": Path(settings.key_file),
    }


@pytest.fixture(autouse=True)
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the client take certificates that are none."""
    monkeypatch.setattr("kubernetes.client.rest.urllib3.PoolManager", Mock())


def test_certificates_and_keys_are_in_private_files_of_the_connection() -> None:
    with connected(kubeconfig()) as api:
        found = files(api)
        assert {name: file.read_text() for name, file in found.items()} == {name: name for name in found}
        assert {file.stat().st_mode & 0o077 for file in found.values()} == {0}
    assert not any(file.exists() for file in found.values())


def test_a_connection_that_ends_takes_no_file_of_another_one() -> None:
    with connected(kubeconfig()) as second:
        with connected(kubeconfig()) as first:
            assert not set(files(first).values()) & set(files(second).values())
        assert all(file.exists() for file in files(second).values())


def test_certificates_that_are_no_base64_are_told() -> None:
    broken = kubeconfig(**{"certificate-authority-data": "x"})
    with pytest.raises(UnreachableError, match="its kubeconfig cannot be used"), connected(broken):
        pass
