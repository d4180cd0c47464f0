"""The signing requests of other stacks' meshes, as their stacks export them, checked before one is signed."""

from collections.abc import Mapping
from typing import Any

from components.schema import problems


def check(mesh: str, stack: str, outputs: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the request (PEM) for a mesh's CA in the outputs of `stack`, and what is wrong with it.

    Both are None if there is none yet.
    """
    requests = outputs.get("requests") or {}
    request = requests.get(mesh) if isinstance(requests, dict) else requests
    if request is None:
        return None, None
    if fault := _fault(request):
        path = ("trust", "issues", mesh)
        return None, problems.problem(path, problems.ABSENT, f"the request that stack {stack} exports {fault}")
    return request, None


def _fault(request: Any) -> str | None:
    """Return the end of a sentence about a request that must not be signed; None for one that may be."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    from components.trust import authority

    try:
        asked = x509.load_pem_x509_csr(request.encode() if isinstance(request, str) else b"")
        key, signed = asked.public_key(), asked.is_signature_valid
    except (ValueError, UnsupportedAlgorithm):
        return "is not a certificate request (PEM)"
    if not signed:
        return "is not signed by its own key"
    return next(authority.key_faults(key), None)
