"""What the name constraints of a CA permit to those below it (RFC 5280, 4.2.1.10).

OpenSSL, BoringSSL and Go differ: what is permitted here is permitted by all of them.
"""

from collections.abc import Iterable

from cryptography import x509


def permits_trust_domain(constraints: x509.NameConstraints, trust_domain: str) -> bool:
    """Return whether identities of the trust domain, which are URIs, may be below the CA."""
    permitted, excluded = values(constraints, x509.UniformResourceIdentifier)
    return (not permitted or any(_is_host(trust_domain, base) for base in permitted)) and not any(
        _is_host_or_below(trust_domain, base) for base in excluded
    )


def permits_host(constraints: x509.NameConstraints, host: str) -> bool:
    """Return whether a DNS name may be below the CA."""
    permitted, excluded = values(constraints, x509.DNSName)
    return (not permitted or any(_is_host_or_below(host, base) for base in permitted)) and not any(
        _is_host_or_below(host, base) for base in excluded
    )


def restricts_subjects(constraints: x509.NameConstraints) -> bool:
    """Return whether the subjects of certificates below the CA must have a certain beginning."""
    return any(isinstance(tree, x509.DirectoryName) for tree in constraints.permitted_subtrees or ())


def unknown_to_go(constraints: x509.NameConstraints) -> bool:
    """Return whether a name is of a kind that Go, in which istiod is written, refuses in name constraints."""
    known = (x509.DNSName, x509.IPAddress, x509.RFC822Name, x509.UniformResourceIdentifier)
    trees = [*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ())]
    return not all(isinstance(tree, known) for tree in trees)


def values(constraints: x509.NameConstraints, kind: type[x509.GeneralName]) -> tuple[list[str], list[str]]:
    """Return the permitted and the excluded names of one kind, in lower case."""

    def of_kind(subtrees: Iterable[x509.GeneralName] | None) -> list[str]:
        return [str(tree.value).lower() for tree in subtrees or () if isinstance(tree, kind)]

    return of_kind(constraints.permitted_subtrees), of_kind(constraints.excluded_subtrees)


def _is_host(host: str, base: str) -> bool:
    """Return whether the rule for URIs takes in the host: a leading dot stands for every name below."""
    return host.endswith(base) if base.startswith(".") else host == base


def _is_host_or_below(host: str, base: str) -> bool:
    """Return whether the rule for DNS names takes in the host: an empty base is every name."""
    return not base or _is_host(host, base) or host.endswith(f".{base}")
