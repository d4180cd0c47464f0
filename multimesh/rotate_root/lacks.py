"""What a proxy still lacks of what a stack states, as plain data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from multimesh.contract import VerifyOutputs
from multimesh.proxies.cluster import Proxy


@dataclass(frozen=True)
class Need:
    """What every proxy must have. Roots are SHA-256 fingerprints of their keys, with their names for messages.

    `trusts` are the roots that it must trust, `only` whether it may trust no other, `signed_under` the root under which
    its certificate must be signed (None: any), `revocation` whether it must look up revocation lists.
    """

    trusts: Mapping[str, str]
    only: bool = False
    signed_under: str | None = None
    revocation: bool = False


def needed(outputs: VerifyOutputs, keys: Mapping[str, str]) -> Need:
    """Return what the proxies of a stack must have by its outputs; `keys` are its roots' names by their keys."""
    signs = next(key for key, name in keys.items() if outputs.root_cas[name] == outputs.root_ca)
    return Need(keys, only=True, signed_under=signs, revocation=bool(outputs.root_revocation_lists))


def lack(proxy: Proxy, need: Need) -> str | None:
    """Return what a proxy lacks, as the end of a sentence about it; None for one that has everything."""
    trust = proxy.trust
    if trust is None:
        return f"cannot be asked: {proxy.trouble}"
    if untrusted := sorted(name for key, name in need.trusts.items() if key not in trust.roots):
        return f"does not trust {' and '.join(untrusted)}"
    if need.signed_under and trust.signed_under != need.signed_under:
        return f"has a certificate that is not signed under {need.trusts[need.signed_under]}"
    if need.only and trust.roots - need.trusts.keys():
        return "still trusts a root that is dropped"
    if need.revocation and not trust.checks_revocation:
        return "checks no revocation list"
    return None


def must_restart(proxy: Proxy, need: Need) -> bool:
    """Return whether only a restart gives a proxy what it lacks: it was made by an earlier version, or has no lists."""
    return lack(proxy, need) is not None and (
        not proxy.learns or bool(need.revocation and proxy.trust and not proxy.trust.checks_revocation)
    )


def lines(proxies: Iterable[Proxy], need: Need) -> list[str]:
    """Return a line for each workload that has a proxy that lacks something."""
    found = dict[str, list[str]]()
    for proxy in proxies:
        if what := lack(proxy, need):
            remedy = ": restart it" if must_restart(proxy, need) else ""
            found.setdefault(f"{proxy.workload} {what}{remedy}", []).append(proxy.pod)
    return [f"{line} ({len(pods)} pods)" if len(pods) > 1 else line for line, pods in sorted(found.items())]
