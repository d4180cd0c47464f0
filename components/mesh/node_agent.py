"""Istio's CNI node agent: the node then redirects a pod's traffic to its sidecar, and no init container need do it.

Pods so need no NET_ADMIN, which the Pod Security levels baseline and restricted refuse. Pure functions.
https://istio.io/latest/docs/setup/additional-setup/cni/
"""

from collections.abc import Mapping
from typing import Any

Values = dict[str, Any]

CHART = "cni"
WITH_AGENT = "multimesh/cni"
"""The annotation of a pod that starts with the node agent: without it, or with it again, the pod must be replaced."""


def istiod_values() -> Values:
    """Return the control plane's values: sidecars without the init container, at the level restricted.

    That level wants a seccomp profile for each container whose pod has none.
    https://kubernetes.io/docs/concepts/security/pod-security-standards/
    """
    return {
        "cni": {"enabled": True},
        "global": {"proxy": {"seccompProfile": {"type": "RuntimeDefault"}}},
    }


def is_somebodys(values: Mapping[str, Any]) -> bool:
    """Return whether the user's values of istiod say that a node agent which somebody else installed is there."""
    return any((inner.get("cni") or {}).get("enabled") for inner in (values, values.get("pilot") or {}))
