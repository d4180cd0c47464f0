"""A connection to an API server by a kubeconfig, for as long as it is needed."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import yaml
from kubernetes import client, config
from pydantic import SecretStr


class UnreachableError(Exception):
    """A cluster's API server does not answer, or refuses; the message says why."""


@contextmanager
def connected(kubeconfig: SecretStr) -> Iterator[client.ApiClient]:
    """Yield a client for a kubeconfig (YAML). Raise UnreachableError if it cannot be used.

    The Kubernetes client needs certificates in files: they are in a private folder that is deleted at the end.
    """
    with tempfile.TemporaryDirectory() as private:
        settings = client.Configuration()
        settings.retries = 0
        try:
            document = yaml.safe_load(kubeconfig.get_secret_value())
            config.load_kube_config_from_dict(document, client_configuration=settings, temp_file_path=private)
        except (config.ConfigException, yaml.YAMLError) as error:
            raise UnreachableError(f"its kubeconfig cannot be used: {error}") from None
        with client.ApiClient(settings) as api:
            yield api
