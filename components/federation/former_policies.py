"""The ALLOW policies of a mesh that earlier versions made, and how they go without a moment that admits more or fewer.

An exported workload had an ALLOW of its callers beside that of the whole mesh. If one of the two were gone first, the
other would refuse those whom only the first one named. So those of the mesh admit everybody at first, when all that
denies is there; then the others go, and at the end of the update the stack deletes the mesh's. Pure functions.
"""

from collections.abc import Mapping
from typing import Any

from components import istio

NAMES = ("own-identities", "world-to-ingress", "world-to-istiod")
"""What they are called, in istio-system."""
SETTLED_SECONDS = 10.0
"""Within this time istiod has told proxies what changed: its PILOT_DEBOUNCE_MAX."""


def closes(found: Mapping[str, Any]) -> bool:
    """Return whether an object is such a policy, as it was made, and not somebody else's, or open to everybody."""
    spec = found.get("spec") or {}
    rules, selector = spec.get("rules"), spec.get("selector")
    if spec.get("action", "ALLOW") != "ALLOW" or not isinstance(rules, list) or len(rules) != 1:
        return False
    if found["metadata"]["name"] == NAMES[0]:
        return selector is None and rules[0].keys() == {"from"}
    return selector == {"matchLabels": istio.GATEWAY_SELECTOR} and rules[0].keys() == {"to"}
