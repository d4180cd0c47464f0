"""Names and numbers of a stack's configuration, each with one message that says what it must be."""

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_SERVICE = r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?"
_TRUST_LABEL = r"[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?"
_STACK = r"[-A-Za-z0-9_.]{1,100}"
_DOMAIN = rf"{_LABEL}(\.{_LABEL})*"


def _text(pattern: str, allowed: str, longest: int = 253) -> Callable[[Any], str]:
    compiled = re.compile(pattern)

    def check(value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest or not compiled.fullmatch(value):
            raise ValueError(allowed)
        return value

    return check


def _whole_number(lowest: int, highest: int, allowed: str) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if type(value) is not int or not lowest <= value <= highest:
            quoted = isinstance(value, str) and value.isascii() and value.isdecimal()
            raise ValueError(f"{allowed}, without quotes" if quoted else allowed)
        return value

    return check


def _address(value: Any) -> str:
    digits_and_dots = isinstance(value, str) and not set(value) - set("0123456789.")
    if not isinstance(value, str) or digits_and_dots or not re.fullmatch(_DOMAIN, value):
        try:
            ip_address(value if isinstance(value, str) else "")
        except ValueError:
            raise ValueError("must be an IP address or a DNS name") from None
    return value


def _trust_domain(value: Any) -> str:
    allowed = (
        "must be a SPIFFE trust domain that the name constraints of its CA can state: labels of 1 to 63 of a-z, 0-9, "
        "'_' and '-' (not at the ends), joined by dots, 253 in all, and no IP address; use one such as east.mesh"
    )
    domain = _text(rf"{_TRUST_LABEL}(\.{_TRUST_LABEL})*", allowed)(value)
    try:
        ip_address(domain)
    except ValueError:
        return domain
    raise ValueError(allowed)


def default_trust_domain(mesh: str) -> str:
    """Return the trust domain of a mesh without a configured one."""
    return f"{mesh}.mesh"


Label = Annotated[
    str,
    PlainValidator(_text(_LABEL, "must be a DNS label: 1 to 63 of a-z, 0-9 and -, with no - at the ends (RFC 1123)")),
]
ServiceName = Annotated[
    str,
    PlainValidator(_text(_SERVICE, "must be a Service's name: 1 to 63 of a-z, 0-9 and -, a letter first, no - last")),
]
ServiceAccount = Annotated[
    str,
    PlainValidator(_text(_DOMAIN, "must be a service account's name: DNS labels joined by dots")),
]
Suffix = Annotated[
    str,
    PlainValidator(
        _text(
            rf"(?!(.*\.)?cluster\.local$){_DOMAIN}",
            "must be a DNS domain such as global, other than cluster.local",
            longest=100,
        )
    ),
]
ClusterDomain = Annotated[
    str, PlainValidator(_text(_DOMAIN, "must be a DNS domain such as cluster.local", longest=100))
]
TrustDomain = Annotated[str, PlainValidator(_trust_domain)]
"""A SPIFFE trust domain that an X.509 name constraint can state, so that a mesh's CA can be confined to it."""
StackName = Annotated[
    str,
    PlainValidator(
        _text(rf"{_STACK}(/{_STACK}/{_STACK})?", "must be a stack: its name, or organization/project/stack", 302)
    ),
]
IngressHost = Annotated[
    str,
    PlainValidator(_text(rf"\*|(\*\.)?{_DOMAIN}", "must be a DNS name, '*.' and a DNS name, or '*' for every host")),
]
Folder = Annotated[
    str, PlainValidator(_text(r"(/[A-Za-z0-9_][-A-Za-z0-9_.]*)+", "must be an absolute path of a folder"))
]
Address = Annotated[str, PlainValidator(_address)]
Port = Annotated[int, PlainValidator(_whole_number(1, 65535, "must be a port number from 1 to 65535"))]
Weight = Annotated[
    int, PlainValidator(_whole_number(0, 1_000_000, "must be a weight: a whole number, 0 (no traffic) to 1000000"))
]
Attempts = Annotated[int, PlainValidator(_whole_number(0, 10, "must be a number of attempts from 0 to 10"))]
Duration = Annotated[
    str,
    PlainValidator(
        _text(
            r"[1-9][0-9]{0,5}(ms|s|m|h)",
            "must be a duration above 0: a whole number and ms, s, m or h, such as 2s",
            longest=8,
        )
    ),
]
Generation = Annotated[int, PlainValidator(_whole_number(1, 1_000_000, "must be a whole number, 1 or more"))]
Days = Annotated[int, PlainValidator(_whole_number(1, 36_500, "must be a number of days from 1 to 36500"))]


def _known_mesh(value: Any, info: ValidationInfo) -> str:
    meshes = known_meshes(info)
    if value not in meshes:
        raise ValueError(f"must be a mesh of this stack: {', '.join(meshes) or 'it has none'}")
    return value


def _caller(value: Any, info: ValidationInfo) -> str:
    meshes = known_meshes(info)
    mesh, *identity = value.split("/", 1) if isinstance(value, str) else ("",)
    known = re.fullmatch(_LABEL, mesh) if has_peers(info) else mesh in meshes
    if not known or (identity and not re.fullmatch(rf"ns/{_LABEL}(/sa/{_DOMAIN})?", identity[0])):
        whose = "of this stack or of a peer" if has_peers(info) else "of this stack"
        raise ValueError(
            f"must be a mesh {whose} ({', '.join(meshes) or 'it has none'}), "
            "<mesh>/ns/<namespace>, or <mesh>/ns/<namespace>/sa/<service account>; without the key every mesh may call"
        )
    return value


def known_meshes(info: ValidationInfo) -> list[str]:
    """Return the names of the stack's meshes, from the validation context."""
    return (info.context or {}).get("meshes", [])


def has_peers(info: ValidationInfo) -> bool:
    """Return whether the stack names peers, whose meshes are unknown during validation."""
    return (info.context or {}).get("peers", False)


def _peer_mesh(value: Any, info: ValidationInfo) -> str:
    if not has_peers(info):
        raise ValueError("needs multimesh:peers, the stacks whose meshes may be listed here")
    if not isinstance(value, str) or not re.fullmatch(_LABEL, value):
        raise ValueError("must be a mesh of a peer")
    if value in known_meshes(info):
        raise ValueError("is a mesh of this stack: list it in meshes")
    return value


PeerMesh = Annotated[str, PlainValidator(_peer_mesh)]
KnownMesh = Annotated[str, PlainValidator(_known_mesh)]
Caller = Annotated[str, PlainValidator(_caller)]
