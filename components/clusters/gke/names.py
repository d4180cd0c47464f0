"""Names and labels of a mesh's Google Cloud resources: Google's rules for names are stricter than Pulumi's."""

import hashlib
import re


def labels(project: str, stack: str, mesh: str) -> dict[str, str]:
    """Return the labels of all resources; values have at most 63 characters of a-z, 0-9, - and _.

    https://cloud.google.com/resource-manager/docs/labels-overview#requirements
    """
    values = {"project": project, "stack": stack, "mesh": mesh}
    return {key: re.sub(r"[^a-z0-9_-]", "-", value.lower())[:63] for key, value in values.items()}


def account_id(project: str, stack: str, mesh: str) -> str:
    """Return the id of the nodes' service account: 6 to 30 characters, different for every mesh of every stack."""
    return f"multimesh-{hashlib.sha256(f'{project}/{stack}/{mesh}'.encode()).hexdigest()[:12]}"
