"""The objects of others that decide what sidecars do with a name."""

from collections.abc import Mapping
from typing import Any

from components import istio
from components.federation.cluster_objects import is_own
from multimesh import rules
from multimesh.rules import Rule

PATHS = {
    "VirtualService": "/apis/networking.istio.io/v1/virtualservices",
    "DestinationRule": "/apis/networking.istio.io/v1/destinationrules",
    "ServiceEntry": "/apis/networking.istio.io/v1/serviceentries",
}
"""Where the API server lists each kind of Istio's; for those of the Gateway API it is asked."""


def rule(kind: str, found: Mapping[str, Any], root: str = istio.NAMESPACE) -> Rule | None:
    """Return what an object of the API server decides; None if it is for gateways alone, or the program's own."""
    return None if kind in PATHS and is_own(kind, found["metadata"]) else rules.rule(kind, found, root)
