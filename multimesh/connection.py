"""A connection to an API server by a kubeconfig, for as long as it is needed."""

import base64
import binascii
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config
from pydantic import SecretStr


class UnreachableError(Exception):
    """A cluster's API server does not answer, or refuses; the message says why."""


_IN_FILES = {"clusters": "cluster", "users": "user"}
_DATA = "-data"


@contextmanager
def connected(kubeconfig: SecretStr, retries: int = 0) -> Iterator[client.ApiClient]:
    """Yield a client for a kubeconfig (YAML), which asks so often again. Raise UnreachableError if it cannot be used.

    The Kubernetes client needs certificates in files: they are in a private folder that is deleted at the end.
    """
    with tempfile.TemporaryDirectory() as private:
        settings = client.Configuration()
        settings.retries = retries
        try:
            document = _in_files(yaml.safe_load(kubeconfig.get_secret_value()), Path(private))
            config.load_kube_config_from_dict(document, client_configuration=settings, temp_file_path=private)
        except (config.ConfigException, yaml.YAMLError, binascii.Error) as error:
            raise UnreachableError(f"its kubeconfig cannot be used: {error}") from None
        with client.ApiClient(settings) as api:
            yield api


def _in_files(document: Any, private: Path) -> Any:
    """Return the kubeconfig with its certificates and keys in files of a folder.

    Of certificates in the text, the client would make files that all connections of this process share, also after the
    folder of the one that came first is deleted.
    """
    for part, inner in _IN_FILES.items():
        for number, entry in enumerate((document or {}).get(part) or []):
            about = entry.get(inner) or {}
            for name in [name for name in about if name.endswith(_DATA) and about[name]]:
                file = private / f"{inner}-{number}-{name.removesuffix(_DATA)}"
                file.touch(mode=0o600)
                file.write_bytes(base64.b64decode(about.pop(name)))
                about[name.removesuffix(_DATA)] = str(file)
    return document
