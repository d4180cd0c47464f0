"""How Istio's sidecars come into pods: what a namespace asks for, and what is injected.

https://istio.io/latest/docs/setup/upgrade/canary/
"""

from collections.abc import Mapping

DEFAULT_REVISION = "default"
"""How Istio calls the control plane that was installed without a revision."""
REVISION = "istio.io/rev"
"""The label of a namespace, and the annotation of an injected pod, that names a control plane."""
INJECTION = "istio-injection"
"""The label of a namespace that asks for the default revision."""
PROXY = "istio-proxy"
"""What the sidecar's container is called, also in a gateway's pod."""


def chosen(labels: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the label with which a namespace of these labels asks for sidecars; None if it does not."""
    if INJECTION in labels:  # before the other label, as in the webhooks' selectors
        return (INJECTION, "enabled") if labels[INJECTION] == "enabled" else None
    return (REVISION, labels[REVISION]) if REVISION in labels else None


def revision(labels: Mapping[str, str]) -> str | None:
    """Return the revision that a namespace of these labels asks for; None if it asks for no sidecars."""
    if label := chosen(labels):
        return DEFAULT_REVISION if label[0] == INJECTION else label[1]
    return None
