"""What of the Kubernetes Gateway API sidecars follow: routes of Services, and policies for connections to them.

Source: https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/#mesh-traffic
"""

from collections.abc import Callable, Mapping
from typing import Any

from multimesh.control_plane import INSTALLED
from multimesh.hosts import local_host

GROUP = "/apis/gateway.networking.k8s.io"
ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute")
KINDS = (*ROUTES, "BackendTLSPolicy")
_IGNORED = "istio.io/ignore-policy-attachment"


def paths(ask: Callable[[str], Mapping[str, Any] | None]) -> dict[str, str]:
    """Return where an API server lists each kind that it has, by the newest version that it serves.

    `ask` returns the server's answer to a path, None if there is nothing at it.
    """
    found: dict[str, str] = {}
    for version in (ask(GROUP) or {}).get("versions") or ():  # the newest first
        base = f"{GROUP}/{version['version']}"
        for resource in (ask(base) or {}).get("resources") or ():
            if resource["kind"] in KINDS and "/" not in resource["name"]:
                found.setdefault(resource["kind"], f"{base}/{resource['name']}")
    return found


def hosts(kind: str, found: Mapping[str, Any], root: str = INSTALLED.root_namespace) -> list[str]:
    """Return the hosts that an object decides about in sidecars; none if it is for gateways.

    `root` is the namespace whose Istio objects hold for the whole mesh, where multimesh's ServiceEntries are: each has
    its host as its name.
    """
    metadata, spec = found["metadata"], found.get("spec") or {}
    if kind not in ROUTES and (metadata.get("annotations") or {}).get(_IGNORED, "").lower() == "true":
        return []
    attached = spec.get("parentRefs" if kind in ROUTES else "targetRefs") or ()
    return [host for one in attached if (host := _host(one, metadata["namespace"], root))]


def _host(reference: Mapping[str, Any], namespace: str, root: str) -> str | None:
    name, where = reference["name"], reference.get("namespace") or namespace
    if reference.get("kind") == "Service":
        return local_host(name, where)
    return name if reference.get("kind") == "ServiceEntry" and where == root else None
