"""The objects of others that decide whom sidecars admit, by which TLS, and which names they see."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from components import istio
from components.federation import former_policies
from components.federation.cluster_objects import is_own

PATHS = {
    "AuthorizationPolicy": "/apis/security.istio.io/v1/authorizationpolicies",
    "PeerAuthentication": "/apis/security.istio.io/v1/peerauthentications",
    "Sidecar": "/apis/networking.istio.io/v1/sidecars",
}
"""Where the API server lists each kind."""

_NAMED_AT_MOST = 5
_MESH_WIDE = (istio.GATEWAY_PORTS, *former_policies.NAMES)
"""The program's own in istio-system, each a resource of the stack."""


@dataclass(frozen=True)
class Policy:
    """An object for the pods that its selector matches; without one, for all of its namespace, or of the mesh."""

    kind: str
    namespace: str
    name: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""
    """When, as the API server writes it: of two PeerAuthentications the older holds."""
    root: str = istio.NAMESPACE
    """The namespace whose objects hold for the whole mesh."""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def selector(self) -> Mapping[str, str]:
        """The labels that pods must have."""
        key = "workloadSelector" if self.kind == "Sidecar" else "selector"
        chosen = self.spec.get(key) or {}
        return chosen.get("labels" if self.kind == "Sidecar" else "matchLabels") or {}

    @property
    def allows(self) -> bool:
        """Whether it is an AuthorizationPolicy that closes its pods to all that no such policy names."""
        action = self.spec.get("action") or "ALLOW"
        return self.kind == "AuthorizationPolicy" and action == "ALLOW" and not self.is_former

    @property
    def is_former(self) -> bool:
        """Whether it is the one of an earlier version that admitted every workload of the mesh, whatever others say."""
        return self.namespace == self.root and self.name == former_policies.NAMES[0]

    def holds_for(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Return whether it holds for a pod of this namespace with these labels."""
        return self.namespace in (namespace, self.root) and self.selector.items() <= labels.items()

    def hides(self, *names: str) -> bool:
        """Return whether it is a Sidecar that keeps all these `names` of the root namespace from its pods.

        https://istio.io/latest/docs/reference/config/networking/sidecar/#IstioEgressListener-hosts
        """
        egress = self.spec.get("egress")
        if self.kind != "Sidecar" or not egress:
            return False
        seen = [host.partition("/")[::2] for part in egress for host in part.get("hosts") or ()]
        own = "." if self.namespace == self.root else self.root
        hosts = [host for namespace, host in seen if namespace in ("*", self.root, own)]
        return not any(_covers(host, name) for host in hosts for name in names)


def policy(kind: str, found: Mapping[str, Any], root: str = istio.NAMESPACE) -> Policy | None:
    """Return what an object of the API server decides; None if it is not for sidecars, or the program's own."""
    metadata, spec = found["metadata"], found.get("spec") or {}
    namespace, name = metadata["namespace"], metadata["name"]
    if kind == "AuthorizationPolicy":
        mesh_wide = namespace == root and name in _MESH_WIDE
        annuls = mesh_wide and name == former_policies.NAMES[0] and former_policies.closes(found)
        # A stack whose last update made each of a service's policies a resource has them without a label.
        former = re.match(rf"[a-z0-9-]+\.{re.escape(namespace)}(\.[a-z0-9.-]+)?[.-](callers|others)\b", name)
        for_gateways = spec.get("targetRef") or spec.get("targetRefs")
        if (mesh_wide and not annuls) or former or for_gateways or is_own(kind, metadata):
            return None
    return Policy(kind, namespace, name, spec, metadata.get("creationTimestamp") or "", root)


def without_mutual_tls(policies: Iterable[Policy], namespace: str, labels: Mapping[str, str], port: int) -> str | None:
    """Return the name of the PeerAuthentication that turns mutual TLS off at a port of a pod, if one does.

    The pod's own comes first, then its namespace's, then the mesh's; of each the oldest.
    https://istio.io/latest/docs/reference/config/security/peer_authentication/
    """
    candidates = [one for one in policies if one.kind == "PeerAuthentication" and one.holds_for(namespace, labels)]
    scopes = (
        [one for one in candidates if one.selector and one.namespace == namespace],
        [one for one in candidates if not one.selector and one.namespace == namespace],
        [one for one in candidates if not one.selector and one.namespace == one.root],
    )
    for scope in scopes:
        for decides in sorted(scope, key=lambda one: (one.created, one.name))[:1]:
            at_port = (decides.spec.get("portLevelMtls") or {}).get(str(port)) if decides.selector else None
            modes = [(said or {}).get("mode") or "UNSET" for said in (at_port, decides.spec.get("mtls"))]
            if said := [mode for mode in modes if mode != "UNSET"]:
                return str(decides) if said[0] == "DISABLE" else None
    return None


def named(policies: Collection[Policy]) -> str:
    """Return the names of policies, of many the first and how many more there are."""
    names = sorted({str(one) for one in policies})
    more = len(names) - _NAMED_AT_MOST
    return ", ".join(names[:_NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")


def _covers(host: str, name: str) -> bool:
    return host in ("*", name) or (host.startswith("*.") and name.endswith(host[1:]))
