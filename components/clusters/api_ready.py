"""Wait until the API of a new cluster is ready: no other resource waits until its nodes are set up.

Pulumi calls the provider's methods in another process, which finds this module by its name. Pulumi stores only a
reference to the provider.
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pulumi
from pulumi import dynamic

from components.clusters import kubeconfig as kubeconfigs
from components.clusters.connection import connected
from components.clusters.kubeconfig import KubeconfigError
from components.dynamic_errors import without_tracebacks

_LIMIT_SECONDS = 20 * 60
_PAUSE_SECONDS = 5
_REPORT_SECONDS = 30
_NAMESPACE = "kube-system"


class NotReadyError(Exception):
    """A cluster did not become ready in time; the message has its last answer and says where to look."""


def fault(kubeconfig: str, timeout: float = 10) -> str | None:
    """Return why the API does not serve the kubeconfig's user yet; None when it does.

    The API is ready when /readyz answers 200 and the user may read a namespace, which kubeadm allows some
    seconds later.
    """
    from kubernetes import client
    from urllib3.exceptions import HTTPError

    try:
        with connected(kubeconfig) as api:
            request = api.param_serialize("GET", "/readyz", auth_settings=["BearerToken"])
            answer = api.call_api(*request, _request_timeout=timeout)
            if answer.status != HTTPStatus.OK:
                return f"/readyz: {answer.status} {answer.reason}"
            client.CoreV1Api(api).read_namespace(_NAMESPACE, _request_timeout=timeout)
    except client.ApiException as error:
        return " ".join(f"{error.status} {error.reason}".split())
    except (KubeconfigError, HTTPError, OSError) as error:
        return str(error.__cause__ or getattr(error, "reason", None) or error)
    return None


def wait(
    kubeconfig: str,
    look_at: str,
    report: Callable[[str], None],
    limit: float = _LIMIT_SECONDS,
    pause: float = _PAUSE_SECONDS,
) -> None:
    """Wait at most `limit` seconds for the API. Raise NotReadyError, whose message ends with `look_at`."""
    server = kubeconfigs.parse(kubeconfig).server
    start = time.monotonic()
    said = start - _REPORT_SECONDS
    while found := fault(kubeconfig):
        now = time.monotonic()
        if now - start > limit:
            raise NotReadyError(f"{server} was not ready after {limit / 60:.0f} minutes; last: {found}. {look_at}")
        if now - said >= _REPORT_SECONDS:
            report(f"waiting for {server}, {now - start:.0f} s: {found}")
            said = now
        time.sleep(pause)
    report(f"{server} is ready, after {time.monotonic() - start:.0f} s")


@without_tracebacks
class ApiReadyProvider(dynamic.ResourceProvider):
    """Wait when the resource is created, and whenever its kubeconfig or its machines change."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Wait until the API is ready; the resource's id is the cluster's name."""
        wait(props["kubeconfig"], props["look_at"], _report)
        return dynamic.CreateResult(props["cluster"], props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Report a change if the kubeconfig or the machines differ from those of the last wait."""
        changes = any(_olds.get(key) != _news[key] for key in ("kubeconfig", "made_of"))
        return dynamic.DiffResult(changes=changes)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Wait again: the API runs on other machines, or the kubeconfig is another."""
        wait(_news["kubeconfig"], _news["look_at"], _report)
        return dynamic.UpdateResult(_news)


def _report(line: str) -> None:
    print(line, flush=True)


class ApiReady(dynamic.Resource, module="multimesh", name="ApiReady"):
    """A cluster's API that is ready for its administrator.

    `made_of` are the ids of the machines that the API runs on; when they change, the resource waits again. `look_at`
    are the last sentences of the error message, which say where to look.
    """

    def __init__(
        self,
        resource_name: str,
        cluster: str,
        kubeconfig: pulumi.Input[str],
        made_of: list[pulumi.Input[str]],
        look_at: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__(
            ApiReadyProvider(),
            resource_name,
            {"cluster": cluster, "kubeconfig": kubeconfig, "made_of": made_of, "look_at": look_at},
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["kubeconfig"])),
        )
