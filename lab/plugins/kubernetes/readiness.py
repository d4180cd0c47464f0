"""When an object is ready, kind by kind; kinds that are not listed are ready once they exist.

A check looks once at a live object and returns what it still waits for, or None. Source of the rules: the official
provider's documentation of what it awaits, and kubectl's `rollout status`.
"""

from collections.abc import Callable

from lab.plugins.kubernetes.api import Api, Kind, Object
from lab.plugins.server import PluginError

Check = Callable[[Api, Object], str | None]

_ENDPOINT_SLICES = Kind("discovery.k8s.io/v1", "endpointslices", namespaced=True)
_PODS = Kind("v1", "pods", namespaced=True)


class FailedError(PluginError):
    """An object that will never become ready by waiting."""


def _condition(live: Object, name: str) -> Object:
    conditions = live.get("status", {}).get("conditions") or []
    return next((condition for condition in conditions if condition["type"] == name), {})


def _is(live: Object, name: str) -> bool:
    return _condition(live, name).get("status") == "True"


def _observed(live: Object) -> bool:
    return live.get("status", {}).get("observedGeneration", 0) >= live["metadata"].get("generation", 0)


def _deployment(api: Api, live: Object) -> str | None:
    wanted, status = live["spec"].get("replicas", 1), live.get("status", {})
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if not _observed(live) or updated < wanted:
        return f"{updated} of {wanted} replicas updated" + _trouble(api, live)
    if status.get("replicas", 0) > updated:
        return f"{status['replicas'] - updated} old replicas to end"
    if available < updated:
        return f"{available} of {updated} replicas available" + _trouble(api, live)
    return None


def _stateful_set(api: Api, live: Object) -> str | None:
    wanted, status = live["spec"].get("replicas", 1), live.get("status", {})
    ready = status.get("readyReplicas", 0)
    if not _observed(live) or status.get("updatedReplicas", wanted) < wanted or ready < wanted:
        return f"{ready} of {wanted} replicas ready" + _trouble(api, live)
    return None


def _trouble(api: Api, live: Object) -> str:
    """Say what the containers of a workload's pods wait for, if it is more than being started."""
    labels = live["spec"]["selector"].get("matchLabels") or {}
    if not labels:
        return ""
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    pods = api.list(_PODS, live["metadata"]["namespace"], selector)
    found = dict.fromkeys(text for pod in pods for text in _pod_trouble(pod))
    return f" ({'; '.join(found)})" if found else ""


def _pod_trouble(pod: Object) -> list[str]:
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return [f"{scheduled.get('reason')}: {scheduled.get('message')}"]
    status = pod.get("status", {})
    containers = (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or [])
    waiting = [container.get("state", {}).get("waiting") or {} for container in containers]
    return [
        f"{state['reason']}: {state.get('message', '')}".rstrip(": ")
        for state in waiting
        if state.get("reason") not in (None, "ContainerCreating", "PodInitializing")
    ]


def _pod(_: Api, live: Object) -> str | None:
    if live.get("status", {}).get("phase") == "Succeeded" or _is(live, "Ready"):
        return None
    return "; ".join(_pod_trouble(live)) or f"phase {live.get('status', {}).get('phase', 'Pending')}"


def _job(_: Api, live: Object) -> str | None:
    if _is(live, "Failed"):
        failure = _condition(live, "Failed")
        raise FailedError(f"the job failed: {failure.get('reason')}: {failure.get('message')}")
    return None if _is(live, "Complete") else "not complete"


def _service(api: Api, live: Object) -> str | None:
    spec, metadata = live["spec"], live["metadata"]
    if spec.get("type") == "LoadBalancer" and not live.get("status", {}).get("loadBalancer", {}).get("ingress"):
        return "no address allocated for the load balancer"
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not spec.get("selector"):
        return None
    slices = api.list(_ENDPOINT_SLICES, metadata["namespace"], f"kubernetes.io/service-name={metadata['name']}")
    endpoints = [endpoint for part in slices for endpoint in part.get("endpoints") or []]
    if any((endpoint.get("conditions") or {}).get("ready", True) for endpoint in endpoints):
        return None
    return "no ready pod matches the selector"


def _secret(_: Api, live: Object) -> str | None:
    """A service account's token is filled in by the cluster; other Secrets have their data from the start."""
    if live.get("type") != "kubernetes.io/service-account-token" or (live.get("data") or {}).get("token"):
        return None
    return "no token yet"


def _namespace(_: Api, live: Object) -> str | None:
    phase = live.get("status", {}).get("phase")
    return None if phase == "Active" else f"phase {phase}"


def _custom_resource_definition(_: Api, live: Object) -> str | None:
    accepted = _condition(live, "NamesAccepted")
    if accepted.get("status") == "False":
        raise FailedError(f"the names were not accepted: {accepted.get('message')}")
    return None if _is(live, "Established") else "not established"


_CHECKS: dict[tuple[str, str], Check] = {
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): _custom_resource_definition,
    ("apps/v1", "Deployment"): _deployment,
    ("apps/v1", "StatefulSet"): _stateful_set,
    ("batch/v1", "Job"): _job,
    ("v1", "Namespace"): _namespace,
    ("v1", "Pod"): _pod,
    ("v1", "Secret"): _secret,
    ("v1", "Service"): _service,
}


def missing(api: Api, live: Object) -> str | None:
    """Return what the object still waits for, None when it is ready.

    Raises FailedError when waiting is in vain.
    """
    check = _CHECKS.get((live["apiVersion"], live["kind"]))
    return check(api, live) if check else None
