"""Checks of what makes a stolen CA worthless: istiod has the revocation lists, and every proxy looks them up."""

import base64
from collections.abc import Iterable

from multimesh.check.control_planes import own
from multimesh.check.federation import Federation
from multimesh.check.result import Check, Problem, Severity

_END = "-----END X509 CRL-----"
_UP = "`pulumi up --refresh` makes it as it was; then restart istiod"
_RESTART = "restart it, or let `multimesh rotate-root --check --restart` do so"
_AGAIN = "look again"


def _in_cacerts(federation: Federation) -> Iterable[Problem]:
    wanted = _lists(federation.outputs.root_revocation_lists)
    for mesh, cluster in own(federation):
        if not cluster.cacerts:
            continue  # the check of cacerts says so
        found = _lists(base64.b64decode(cluster.cacerts.get("ca-crl.pem", "")).decode(errors="replace"))
        if wanted - found:
            what = "not the stack's" if found else "no"
            yield Problem(mesh, f"the Secret cacerts has {what} revocation lists: proxies accept a revoked CA", _UP)


def _looked_up(federation: Federation) -> Iterable[Problem]:
    if not federation.outputs.root_revocation_lists:
        return
    for mesh, found in federation.proxies.items():
        if isinstance(found, str):
            yield Problem(mesh, found, _AGAIN, Severity.UNKNOWN)
            continue
        for proxy in found:
            where = f"{proxy.workload}, pod {proxy.pod}"
            if proxy.trust is None:
                yield Problem(where, f"its proxy cannot be asked: {proxy.trouble}", _AGAIN, Severity.UNKNOWN)
            elif not proxy.trust.checks_revocation:
                yield Problem(where, "its proxy has no revocation lists: it accepts a revoked CA", _RESTART)


def _lists(text: str) -> set[str]:
    return {one.strip() for one in text.split(_END) if one.strip()}


CHECKS = [
    Check("revocation-lists", "Trust", "istiod has the lists of revoked CAs, if there are any", _in_cacerts),
    Check("revoked-refused", "Trust", "every proxy refuses a revoked CA", _looked_up),
]
