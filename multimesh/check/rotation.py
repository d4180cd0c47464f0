"""Check of a rotation that is under way: at which of its steps it is, and who is not ready for the next."""

import base64
from collections.abc import Iterable, Mapping

from cryptography import x509

from multimesh.check.control_planes import own
from multimesh.check.federation import Federation
from multimesh.check.result import Check, Problem, Severity
from multimesh.check.trust import leads_to
from multimesh.proxies.cluster import Proxy
from multimesh.proxies.proxy import key_of
from multimesh.rotate_root import lacks

_CREATED = "created-"
_NEXT = '`multimesh rotate-root --check` waits until the next step may follow; docs/security.md, "Another root CA"'


def _under_way(federation: Federation) -> Iterable[Problem]:
    roots = federation.outputs.root_cas
    if len(roots) < 2:
        return
    signing = next((name for name, pem in roots.items() if pem == federation.outputs.root_ca), "")
    others = [name for name in roots if name != signing]
    yield Problem("the stack", f"a rotation is under way: {step(signing, others)}", _NEXT, Severity.WARNING)
    yield from _behind(federation, signing)
    for mesh, found in federation.proxies.items():
        if isinstance(found, str):
            yield Problem(mesh, f"its proxies cannot be asked: {found}", "look again", Severity.UNKNOWN)
        else:
            yield from _unready(federation, found)


def step(signing: str, others: list[str]) -> str:
    """Return at which of the three steps of docs/security.md a stack is whose CAs `signing` signed; roots by name.

    Created roots are numbered, so the newer is the new one. With a root of the user, both are possible.
    """
    other = " and ".join(others)
    first = f"step 1 of 3, every mesh trusts {signing} and {other}, and {signing} signs; next, {other} signs"
    second = f"step 2 of 3, every mesh signs under {signing}; next, {other} is dropped"
    if not all(name.startswith(_CREATED) for name in (signing, *others)):
        return f"{first}; or, if {signing} is the new root, {second}"
    newest = max((signing, *others), key=lambda name: int(name.removeprefix(_CREATED)))
    return second if newest == signing else first


def _behind(federation: Federation, signing: str) -> Iterable[Problem]:
    """Yield the meshes whose CA another of the roots signed: an update did not reach them."""
    root = x509.load_pem_x509_certificate(federation.outputs.root_ca.encode())
    for mesh, cluster in own(federation):
        try:
            chain = [
                one
                for name in ("ca-cert.pem", "cert-chain.pem")
                for one in x509.load_pem_x509_certificates(base64.b64decode(cluster.cacerts.get(name, "")))
            ]
        except ValueError:
            continue  # the check of cacerts says so
        if not leads_to(chain, root):
            cause = f"the CA in the Secret cacerts is not signed under {signing} yet"
            yield Problem(mesh, cause, "run `pulumi up`", Severity.WARNING)


def _unready(federation: Federation, proxies: Iterable[Proxy]) -> Iterable[Problem]:
    need = lacks.needed(federation.outputs, _names(federation.outputs.root_cas))
    found = dict[tuple[str, str], list[str]]()
    for proxy in proxies:
        if what := lacks.lack(proxy, need):
            remedy = "restart it" if lacks.must_restart(proxy, need) else "it is told within minutes: look again"
            found.setdefault((f"{proxy.workload}", f"{what}|{remedy}"), []).append(proxy.pod)
    for (workload, said), pods in sorted(found.items()):
        what, _, remedy = said.partition("|")
        yield Problem(f"{workload}, pods {', '.join(pods[:3])}", f"its proxy {what}", remedy, Severity.WARNING)


def _names(roots: Mapping[str, str]) -> dict[str, str]:
    return {key_of(x509.load_pem_x509_certificate(pem.encode())): name for name, pem in roots.items()}


CHECKS = [Check("rotation", "Trust", "no rotation of the root is under way", _under_way)]
