"""The preflight of an existing cluster: its API server must accept the kubeconfig."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from ssl import SSLCertVerificationError
from typing import Any, TypeVar
from urllib.parse import urlsplit

from components.clusters.connection import connected
from components.clusters.existing import cluster_domain, node_folders, node_ports, occupied, taken
from components.clusters.existing.occupied import Read, reader
from components.clusters.existing.settings import ExistingClusterSettings
from components.clusters.kubeconfig import Kubeconfig, KubeconfigError
from components.clusters.missing import Missing
from components.schema.problems import ABSENT

T = TypeVar("T")


def missing(
    settings: ExistingClusterSettings,
    *,
    sample: bool = False,
    read_by_others: bool = False,
    adopt: bool = False,
    revision: str | None = None,
    install: bool = True,
    cni: bool = False,
) -> Iterator[Missing]:
    """Yield the reason if the kubeconfig gives no access to its cluster, or what stands in the way there.

    `sample`, `read_by_others` and `cni` say what else the stack creates there: see `taken.faults`. With `adopt`, what
    an Istio that is gone has left does not stand in the way, and if multimesh does not `install` one, no Istio does.
    """
    try:
        check(settings.kubeconfig)
        found = _read(
            settings,
            lambda read: [
                *(occupied.faults(read, adopt=adopt, revision=revision) if install else []),
                *taken.faults(read, sample=sample, read_by_others=read_by_others, cni=cni),
                *node_ports.taken(settings.gateway, read),
                *cluster_domain.faults(read, settings.dns_domain),
                *(node_folders.faults(read, settings.cni) if cni else []),
            ],
        )
    except KubeconfigError as error:
        yield Missing(("kubeconfig",), settings.kubeconfig.path or ABSENT, str(error))
    else:
        yield from (Missing((), ABSENT, fault) for fault in found)


def unreadable(settings: ExistingClusterSettings) -> Iterator[Missing]:
    """Yield each part of the kubeconfig's cluster that is of no use outside this machine, or that istiod refuses."""
    for fault in _local_to_this_machine(settings.kubeconfig.cluster):
        yield Missing(("kubeconfig",), settings.kubeconfig.path or ABSENT, fault)


def pod_cidrs(settings: ExistingClusterSettings, timeout: float = 10) -> Sequence[str]:
    """Return the pod CIDRs of the cluster's nodes; none if the CNI plugin does not publish them in the nodes.

    Raise KubeconfigError if the cluster does not tell.
    """
    from kubernetes import client
    from urllib3.exceptions import HTTPError

    with connected(settings.kubeconfig.text) as api:
        try:
            nodes = client.CoreV1Api(api).list_node(_request_timeout=timeout).items
        except client.ApiException as error:
            refusal = (
                f"{error.status} {error.reason}: its user needs the right to list nodes, whose pod CIDRs are compared"
            )
            raise KubeconfigError(f"{api.configuration.host} answers {refusal}") from error
        except (HTTPError, OSError, ValueError) as error:
            raise KubeconfigError(f"{api.configuration.host} {_refusal(error)}") from error
    return sorted({cidr for node in nodes for cidr in (node.spec and node.spec.pod_cidrs) or []})


def check(kubeconfig: Kubeconfig, timeout: float = 10) -> None:
    """Send the API server a request that it answers only for authenticated users.

    Raise KubeconfigError when the user's credential plugin is not installed or fails, when a file that the kubeconfig
    names is missing, when there is no answer within `timeout` seconds or when something other than an API server
    answers, or when the server rejects the user.
    """
    from kubernetes import client
    from urllib3.exceptions import HTTPError

    _check_plugin(kubeconfig)
    with connected(kubeconfig.text) as api:
        host = api.configuration.host
        try:
            client.CoreApi(api).get_api_versions(_request_timeout=timeout)  # /version also answers anonymous requests
        except client.ApiException as error:
            raise KubeconfigError(f"{host} rejects the kubeconfig's user: {error.status} {error.reason}") from error
        except (HTTPError, OSError) as error:
            raise KubeconfigError(f"{host} {_refusal(error)}") from error
        except ValueError as error:
            raise KubeconfigError(f"{host} does not answer as a Kubernetes API server does") from error


def leftovers(settings: ExistingClusterSettings, revision: str | None = None) -> list[str]:
    """Return what an Istio that is gone has left in the cluster. Raise KubeconfigError if it does not answer."""
    return _read(settings, lambda read: list(occupied.leftovers(read, revision)))


def look(settings: ExistingClusterSettings, at: Callable[[Read], T]) -> T:
    """Return what is seen of whole objects in the cluster. Raise KubeconfigError if it does not answer."""
    return _read(settings, at, whole_objects=True)


def _read(
    settings: ExistingClusterSettings, at: Callable[[Read], T], timeout: float = 10, *, whole_objects: bool = False
) -> T:
    """Return what is seen in the cluster. Raise KubeconfigError if the cluster does not answer."""
    from urllib3.exceptions import HTTPError

    with connected(settings.kubeconfig.text) as api:
        try:
            return at(reader(api, timeout, whole_objects=whole_objects))
        except (HTTPError, OSError, ValueError) as error:
            raise KubeconfigError(f"{api.configuration.host} {_refusal(error)}") from error


def _local_to_this_machine(cluster: Mapping[str, Any]) -> Iterator[str]:
    readers = "the other clusters of a single mesh read this one's endpoints from its API server"
    host = urlsplit(cluster["server"]).hostname or ""
    if _is_loopback(host):
        yield f"{readers}: its server must be an address that they reach, not {host}, which is this machine"
    if cluster.get("proxy-url"):
        yield f"{readers} without a proxy: its server must be an address that they reach, with no proxy-url"
    if cluster.get("insecure-skip-tls-verify"):
        yield f"{readers} and verify its certificate: replace insecure-skip-tls-verify by certificate-authority"


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _check_plugin(kubeconfig: Kubeconfig) -> None:
    """Check that the credential plugin is installed: without it, the client would continue without credentials."""
    plugin = kubeconfig.plugin
    if plugin and not shutil.which(plugin.command):
        hint = f": {plugin.install_hint}" if plugin.install_hint else ""
        lacking = "does not exist or may not be run" if os.sep in plugin.command else "is not on PATH"
        raise KubeconfigError(f"its user needs the program {plugin.command}, which {lacking}{hint}")


def _refusal(error: Exception) -> str:
    """Return why the connection failed, without class names of the client library."""
    reason = getattr(error, "reason", None) or error
    cause = reason.args[0] if getattr(reason, "args", None) and isinstance(reason.args[0], Exception) else reason
    if isinstance(cause, SSLCertVerificationError):
        return f"is not trusted: {cause.verify_message}"
    return f"does not answer: {str(cause).rpartition('): ')[2] if 'Connection(' in str(cause) else cause}"
