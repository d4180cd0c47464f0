"""In which order the objects of a mesh are written, so that at no moment more is open than before or after."""

FOREIGN = "foreign-identities"
"""The EnvoyFilter that closes a mesh's pods to other meshes; those of exported pods are exceptions."""
UNEXPORTED = "unexported"
"""How the name of the policy ends that closes an exported service's other ports, where somebody else runs the mesh."""
STEPS = 4


def step(kind: str, name: str) -> int:
    """Return when an object is written: what denies, what opens ports, what closes all others, and then the rest.

    They are deleted the other way round. What denies other ports opens one that another service of the pods exports.
    """
    if kind == "EnvoyFilter":
        return 2 if name == FOREIGN else 1
    if kind == "AuthorizationPolicy":
        return 1 if name.endswith(f".{UNEXPORTED}") else 0
    return STEPS - 1
