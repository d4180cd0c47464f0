"""In which order the objects of a mesh are written, so that at no moment more is open than before or after."""

FOREIGN = "foreign-identities"
"""The EnvoyFilter that closes a mesh's pods to other meshes; those of exported pods are exceptions."""
STEPS = 4


def step(kind: str, name: str) -> int:
    """Return when an object is written: what denies, what opens ports, what closes all others, and then the rest.

    They are deleted the other way round.
    """
    if kind == "EnvoyFilter":
        return 2 if name == FOREIGN else 1
    return 0 if kind == "AuthorizationPolicy" else STEPS - 1
