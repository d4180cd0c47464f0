"""The only way to connect to a cluster: with the text of a kubeconfig."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import yaml

from components.clusters.credential_plugin import credentials
from components.clusters.kubeconfig import Kubeconfig, KubeconfigError, parse
from components.clusters.kubernetes_client import import_alone

if TYPE_CHECKING:  # the Kubernetes client is slow to import, and most runs of the program do not connect
    from kubernetes.client import ApiClient, Configuration

_LOGIN = "BearerToken"
"""What the Kubernetes client calls the kubeconfig's credentials."""


@contextmanager
def connected(kubeconfig: str) -> "Iterator[ApiClient]":
    """Yield a client for the current context of a kubeconfig (YAML text); it does not retry requests.

    Raise KubeconfigError when the client cannot use the kubeconfig, for example because a file that it names is
    missing, or when the program that returns the user's credentials fails.
    """
    import_alone()
    from kubernetes import client
    from urllib3.exceptions import HTTPError

    document = _with_credentials(parse(kubeconfig))
    configuration = client.Configuration()
    configuration.retries = 0
    with TemporaryDirectory(prefix="multimesh-") as keys:
        try:
            _configure(configuration, document, Path(keys))
            api = client.ApiClient(configuration)
        except (HTTPError, OSError) as error:
            raise KubeconfigError(f"cannot be used: {error}") from error
        except (AttributeError, LookupError, TypeError, ValueError) as error:  # whose text may show a credential
            raise KubeconfigError("is malformed: the Kubernetes client cannot read it") from error
        if any(not value.isprintable() for value in configuration.api_key.values()):
            raise KubeconfigError("has a token that is not one line of text")
        with api:
            yield api


def _configure(configuration: "Configuration", document: dict[str, Any], keys: Path) -> None:
    """Configure a client by a kubeconfig of one context, as the client's own loader does, which is slow to import.

    Private keys are files in the folder `keys`, as Python's TLS reads them from files alone.
    """
    [user] = [entry["user"] for entry in document.get("users", [])] or [{}]
    if "auth-provider" in user:
        _load(configuration, document)
        return
    [cluster] = [entry["cluster"] for entry in document["clusters"]]
    configuration.host = cluster["server"].rstrip("/")
    configuration.verify_ssl = not cluster.get("insecure-skip-tls-verify", False)
    if authority := cluster.get("certificate-authority-data"):
        configuration.ca_cert_data = base64.b64decode(authority).decode()
    if user.get("client-certificate-data"):
        configuration.cert_file = _file(keys / "certificate.pem", user["client-certificate-data"])
        configuration.key_file = _file(keys / "key.pem", user["client-key-data"])
    if name := cluster.get("tls-server-name"):
        configuration.tls_server_name = name
    if proxy := cluster.get("proxy-url"):
        configuration.proxy = proxy
    if login := _login(user):
        configuration.api_key[_LOGIN] = login


def _load(configuration: "Configuration", document: dict[str, Any]) -> None:
    """Configure a client for a user whose token a provider renews: OpenID Connect."""
    from kubernetes import config

    try:
        config.load_kube_config_from_dict(document, client_configuration=configuration)
    except config.ConfigException as error:
        raise KubeconfigError(str(error)) from error


def _login(user: Mapping[str, Any]) -> str | None:
    """Return the header that authenticates a user: by a token, or else by a name and a password."""
    from urllib3.util import make_headers

    token = Path(user["tokenFile"]).read_text() if "tokenFile" in user else user.get("token")
    if token:
        return f"Bearer {token}"
    if "username" in user and "password" in user:
        return make_headers(basic_auth=f"{user['username']}:{user['password']}")["authorization"]
    return None


def _file(path: Path, data: str) -> str:
    path.write_bytes(base64.b64decode(data))
    return str(path)


def _with_credentials(kubeconfig: Kubeconfig) -> dict[str, Any]:
    """Return the kubeconfig with what the user's program answers in its place."""
    document = yaml.safe_load(kubeconfig.text)
    for entry in document.get("users", []):
        if plugin := entry["user"].get("exec"):
            entry["user"] = credentials(plugin, kubeconfig.cluster)
    return document
