"""The only way to connect to a cluster: with the text of a kubeconfig."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

from components.clusters.credential_plugin import credentials
from components.clusters.kubeconfig import Kubeconfig, KubeconfigError, parse

if TYPE_CHECKING:  # the Kubernetes client is slow to import, and most runs of the program do not connect
    from kubernetes.client import ApiClient


@contextmanager
def connected(kubeconfig: str) -> "Iterator[ApiClient]":
    """Yield a client for the current context of a kubeconfig (YAML text); it does not retry requests.

    Raise KubeconfigError when the client cannot use the kubeconfig, for example because a file that it names is
    missing, or when the program that returns the user's credentials fails.
    """
    from kubernetes import client, config
    from urllib3.exceptions import HTTPError

    document = _with_credentials(parse(kubeconfig))
    configuration = client.Configuration()
    configuration.retries = 0
    try:
        config.load_kube_config_from_dict(document, client_configuration=configuration)
        api = client.ApiClient(configuration)
    except config.ConfigException as error:
        raise KubeconfigError(str(error)) from error
    except (HTTPError, OSError) as error:
        raise KubeconfigError(f"cannot be used: {error}") from error
    except (AttributeError, LookupError, TypeError, ValueError) as error:  # whose text may show a credential
        raise KubeconfigError("is malformed: the Kubernetes client cannot read it") from error
    if any(not value.isprintable() for value in configuration.api_key.values()):
        raise KubeconfigError("has a token that is not one line of text")
    with api:
        yield api


def _with_credentials(kubeconfig: Kubeconfig) -> dict[str, Any]:
    """Return the kubeconfig with what the user's program answers in its place."""
    document = yaml.safe_load(kubeconfig.text)
    for entry in document.get("users", []):
        if plugin := entry["user"].get("exec"):
            entry["user"] = credentials(plugin, kubeconfig.cluster)
    return document
