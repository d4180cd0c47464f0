"""The keys of a mesh's CA: another generation is another key, with names of its own."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import pulumi

LONGEST_NAME = 64
"""Of a common name and of an organization (RFC 5280, appendix A)."""
_NUMBERED = re.compile(r"multimesh (\d{1,9}) ")
_NOTE = re.compile(r"# key (\d+) of the CA\n")


class MeshKey(NamedTuple):
    """A key of a mesh's CA: the request for its certificate (PEM), and the key itself, a secret.

    The request names the mesh's trust domain as the CA's organization; a certificate of before may name one of the
    `aliases`.
    """

    request_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]
    aliases: Sequence[str]


def name(mesh: str, generation: int) -> str:
    """Return the name of the key's resource: a key that is made beforehand stays when its generation begins.

    A key named `<mesh>-key` may have a certificate of an earlier version, without name constraints: it is never used.
    """
    return "-".join([mesh, "ca", *_number(generation)])


def common_name(mesh: str, generation: int) -> str:
    """Return the common name of the CA with this key: revocation lists of two keys need two names.

    A long name is cut at its end (RFC 5280), where the mesh is.
    """
    return " ".join(["multimesh", *_number(generation), mesh])[:LONGEST_NAME]


def is_common_name(text: str, mesh: str) -> bool:
    """Return whether this is the common name of a CA of a mesh, whatever its key."""
    found = _NUMBERED.match(text)
    return text == common_name(mesh, int(found[1]) if found else 1)


def note(generation: int) -> str:
    """Return a line to put before the roots that istiod reads; another line for every key of the mesh's CA.

    istiod hands the text on as it is, and a proxy that gets another text asks for another certificate. Without it a
    running proxy would keep its certificate of the CA's former key for hours.
    """
    return "" if generation == 1 else f"# key {generation} of the CA\n"


def noted(roots: str) -> int:
    """Return the generation that the roots of a running mesh were given with."""
    found = _NOTE.match(roots)
    return int(found[1]) if found else 1


def _number(generation: int) -> list[str]:
    return [] if generation == 1 else [str(generation)]
