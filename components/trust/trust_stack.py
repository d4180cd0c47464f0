"""A root CA that another stack owns: it signs the requests of this stack's meshes, and exports the certificates."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.schema import names, problems
from components.trust import revocation
from components.trust.absent_root import Configured, Found, SignedCa, ThisStack, Trusted
from components.trust.ca import fingerprint
from multimesh.contract import Certificate

_REMEDY = "run `pulumi up` in the stack that issues it (trust.stack), and then here"


def check(owner: str, full_name: str, outputs: Mapping[str, Any], own: ThisStack) -> Found:
    """Return the CAs of this stack's meshes; those whose requests are not signed yet keep what they have, or wait.

    `owner` is the stack as it is configured, `outputs` are its outputs, `{}` if it is not up.
    """
    listed, wrong = _listed(owner, outputs)
    held = own.held()
    last = outputs or own.outputs  # of a stack that is not up, what it said before holds
    root = last.get("root_ca") or (None if outputs else next((ca.root for ca in held.values()), None))
    roots, lists = last.get("root_cas") or {}, last.get("root_revocation_lists") or ""
    of = outputs.get("root_ca_owner") or full_name
    if of != full_name:
        wrong.append(_problem(owner, f"the root CA of that stack is of stack {of}: set trust.stack to that one"))
    elif outputs and not _is_certificate(root):
        wrong.append(_problem(owner, "the output root_ca of that stack must be a PEM certificate, and is not"))
    elif not isinstance(roots, dict) or not all(map(_is_certificate, roots.values())):
        wrong.append(_problem(owner, "the output root_cas of that stack must be PEM certificates by name, and is not"))
    elif lists and not all(revocation.is_of(text, [str(root), *roots.values()]) for text in revocation.split(lists)):
        wrong.append(_problem(owner, "the output root_revocation_lists of that stack is not signed by its roots"))
    domains, signed, notes = dict[str, Sequence[str]](), dict[str, SignedCa](), list[str]()
    for mesh, configured in own.trust_domains.items():
        about = listed.get(mesh)
        domains[mesh] = _domains(mesh, configured, about, own.outputs)
        if about and (other := _other_domains(owner, mesh, domains[mesh], about)):
            wrong.append(other)
        elif not wrong and about and about.certificate and own.has_key_of(mesh, about.certificate):
            signed[mesh] = ca = SignedCa(about.certificate, about.chain, str(root))
            wrong += [
                _problem(owner, f"the CA that it issues for {mesh} {fault}") for fault in ca.faults(domains[mesh])
            ]
        elif not wrong:
            notes.append(_note(owner, mesh, outputs, about, kept=mesh in held))
            if mesh in held and (misfit := held[mesh].misfit(domains[mesh][0])):
                given = configured.trust_domain or problems.ABSENT
                wrong.append(problems.problem(("meshes", mesh, "trust_domain"), given, misfit))
    held = {mesh: ca for mesh, ca in held.items() if mesh not in signed}
    return Found(Trusted(root, domains, signed, held, _REMEDY, roots, lists), notes, wrong)


def _domains(mesh: str, configured: Configured, about: Certificate | None, outputs: Mapping[str, Any]) -> Sequence[str]:
    """Return a mesh's trust domain and aliases: as configured, else as the other stack lists them, else as before."""
    had = outputs.get("meshes", {}).get(mesh, {})
    before = [had.get("trust_domain") or names.default_trust_domain(mesh), *had.get("trust_domain_aliases", ())]
    known = about.trust_domains if about else before
    own = configured.trust_domain or known[0]
    return [own, *(alias for alias in configured.aliases or known[1:] if alias != own)]


def _other_domains(owner: str, mesh: str, domains: Sequence[str], about: Certificate) -> str | None:
    """Return a line if the other stack issues the CA for other trust domains than the mesh's; None if it does not."""
    issues = f"stack {owner} issues the CA of {mesh} for it"
    if domains[0] != about.trust_domain:
        message = f"must be {about.trust_domain}: {issues}"
        return problems.problem(("meshes", mesh, "trust_domain"), domains[0], message)
    if {*domains} != {*about.trust_domains}:
        message = f"must be [{', '.join(about.trust_domain_aliases)}], or not set: {issues}"
        return problems.problem(("meshes", mesh, "trust_domain_aliases"), domains[1:], message)
    return None


def _listed(owner: str, outputs: Mapping[str, Any]) -> tuple[dict[str, Certificate], list[str]]:
    """Return what the other stack says of each mesh that it lists, and a line for each that cannot be read."""
    listed, wrong = dict[str, Certificate](), list[str]()
    certificates = outputs.get("certificates") or {}
    if not isinstance(certificates, dict):
        return {}, [_problem(owner, "its output certificates is not that of a multimesh stack")]
    for mesh, about in certificates.items():
        try:
            listed[mesh] = Certificate.model_validate(about)
        except ValueError:
            wrong.append(_problem(owner, f"its output certificates.{mesh} is not that of a multimesh stack"))
    return listed, wrong


def _note(owner: str, mesh: str, outputs: Mapping[str, Any], about: Certificate | None, *, kept: bool) -> str:
    """Return what a mesh waits for, and what to do."""
    earlier = "intermediates" in outputs and "certificates" not in outputs
    if not outputs:
        why = f"{owner} is not up"
    elif earlier:
        why = f"an earlier version made {owner} as it is"
    elif about is None:
        why = f"{owner} does not list {mesh} in trust.issues"
    else:
        why = f"{owner} has not signed the present request of {mesh}"
    meanwhile = "keeps the CA that it has" if kept else "waits, and is not created yet"
    first = "list it there; " if outputs and not earlier and about is None else ""
    return (
        f"multimesh:trust.stack: {why}, so mesh {mesh} {meanwhile}: {first}after this `pulumi up`, run one there and "
        "then one here"
    )


def _is_certificate(root: Any) -> bool:
    try:
        fingerprint(root if isinstance(root, str) else "")
    except ValueError:
        return False
    return True


def _problem(stack: str, message: str) -> str:
    return problems.problem(("trust", "stack"), stack, message)
