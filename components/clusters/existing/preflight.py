"""Whether a kubeconfig opens the cluster that it leads to, asked before anything is made there."""

import shutil
from ssl import SSLCertVerificationError
from typing import Any

import yaml

from components.clusters.kubeconfig import KubeconfigError


def check(kubeconfig: str, timeout: float = 10) -> None:
    """Ask the API server what only users may ask; `kubeconfig` is YAML text whose current context counts.

    Raises KubeconfigError when the user's credential plugin is not installed, when a file that the kubeconfig names is
    missing, when there is no answer within `timeout` seconds, or when the user is not let in.
    """
    from kubernetes import client, config
    from urllib3.exceptions import HTTPError

    document = yaml.safe_load(kubeconfig)
    _check_plugin(document)
    once = client.Configuration()
    once.retries = 0
    try:
        config.load_kube_config_from_dict(document, client_configuration=once)
    except config.ConfigException as error:
        raise KubeconfigError(str(error)) from error
    try:
        with client.ApiClient(once) as api:
            client.CoreApi(api).get_api_versions(_request_timeout=timeout)  # /version answers strangers, too
    except client.ApiException as error:
        raise KubeconfigError(f"{once.host} does not let its user in: {error.status} {error.reason}") from error
    except (HTTPError, OSError) as error:
        raise KubeconfigError(f"{once.host} {_refusal(error)}") from error


def _check_plugin(document: dict[str, Any]) -> None:
    """Look for the program that makes the user's credentials: the client would go on without them."""
    (user,) = (one["context"].get("user") for one in document["contexts"] if one["name"] == document["current-context"])
    for entry in document.get("users") or []:
        plugin = (entry.get("user") or {}).get("exec") if entry.get("name") == user else None
        if plugin and not shutil.which(plugin["command"]):
            hint = f": {plugin['installHint'].strip()}" if plugin.get("installHint") else ""
            raise KubeconfigError(f"its user needs the program {plugin['command']}, which is not on PATH{hint}")


def _refusal(error: Exception) -> str:
    """Return why there is no connection, without the names of the client's classes."""
    reason = getattr(error, "reason", None) or error
    cause = reason.args[0] if getattr(reason, "args", None) and isinstance(reason.args[0], Exception) else reason
    if isinstance(cause, SSLCertVerificationError):
        return f"is not trusted: {cause.verify_message}"
    return f"does not answer: {str(cause).rpartition('): ')[2] if 'Connection(' in str(cause) else cause}"
