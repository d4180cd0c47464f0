"""The pods behind a Service and their ports, as the API server tells of them. Pure functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from multimesh.injection import PROXY

_INJECT = "sidecar.istio.io/inject"
_EXCLUDE, _INCLUDE = (f"traffic.sidecar.istio.io/{word}InboundPorts" for word in ("exclude", "include"))


@dataclass(frozen=True)
class Pod:
    """What matters of a pod; `never_injected` says why it would have no sidecar after a restart either."""

    service_account: str = "default"
    sidecar: bool = True
    never_injected: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Those that say which ports the sidecar leaves alone."""

    def around_sidecar(self, port: int) -> str | None:
        """Return the annotation because of which connections to a port do not pass the sidecar, if there is one.

        https://istio.io/latest/docs/reference/config/annotations/#TrafficExcludeInboundPorts
        """
        if str(port) in _numbers(self.annotations.get(_EXCLUDE, "")):
            return _EXCLUDE
        included = self.annotations.get(_INCLUDE, "*")
        return None if included.strip() == "*" or str(port) in _numbers(included) else _INCLUDE


def pod(found: Mapping[str, Any]) -> Pod:
    """Return what matters of a pod of the API server."""
    spec, metadata = found["spec"], found["metadata"]
    containers = [*spec.get("containers", ()), *(spec.get("initContainers") or ())]
    sidecar = any(container["name"] == PROXY for container in containers)
    annotations = {
        key: said for key, said in (metadata.get("annotations") or {}).items() if key in (_EXCLUDE, _INCLUDE)
    }
    never = None if sidecar else _never(metadata, spec)
    return Pod(
        spec.get("serviceAccountName") or "default", sidecar, never, dict(metadata.get("labels") or {}), annotations
    )


def _numbers(listed: str) -> set[str]:
    return {number.strip() for number in listed.split(",")}


def _never(metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> str | None:
    if spec.get("hostNetwork"):
        return "it is in its node's network, where Istio injects none: remove hostNetwork"
    for kind in ("label", "annotation"):
        if str((metadata.get(f"{kind}s") or {}).get(_INJECT, "")).lower() == "false":
            return f"its {kind} {_INJECT} is false: remove it"
    return None


def answering(slices: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the names of the pods in EndpointSlices that are ready, or of all that stay if none is ready yet."""
    staying, ready = set[str](), set[str]()
    for part in slices:
        for endpoint in part.get("endpoints") or ():
            target, conditions = endpoint.get("targetRef") or {}, endpoint.get("conditions") or {}
            if target.get("kind") == "Pod" and not conditions.get("terminating"):
                staying.add(target["name"])
                if conditions.get("ready") is not False:
                    ready.add(target["name"])
    return frozenset(ready or staying)


def ports(port: Mapping[str, Any], slices: Iterable[Mapping[str, Any]]) -> list[int]:
    """Return the pods' numbers of a Service's port; none if it is a name that no pod has.

    Pods may give the same name to different numbers.
    """
    target = port.get("targetPort") or port["port"]
    if not isinstance(target, str):
        return [int(target)]
    found = {
        int(of_pods["port"])
        for part in slices
        for of_pods in part.get("ports") or ()
        if (of_pods.get("name") or "") == (port.get("name") or "") and of_pods.get("port")
    }
    return sorted(found)
