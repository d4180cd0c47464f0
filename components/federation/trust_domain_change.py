"""A mesh that changes its trust domain: who must accept the new one before, and which workloads have the former one.

A workload is whom its certificate names, until it restarts; and a mesh refuses a trust domain that it does not know. So
a change takes three updates: the new one becomes an alias, the two change places, and the former one is removed.
Sources: https://istio.io/latest/docs/tasks/security/authorization/authz-td-migration/, and for what fails otherwise
https://github.com/istio/istio/issues/53666
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from components.federation.proxies import UnreadableProxiesError, proxies
from components.schema.problems import Path, problem
from components.settings import Settings
from multimesh.contract import Peer

_UP = "run `pulumi up`"


def check(
    stack: Settings,
    before: Mapping[str, Any],
    trust_domains: Mapping[str, Sequence[str]],
    peers: Mapping[str, Peer],
) -> tuple[list[str], list[str]]:
    """Return a line for each trust domain that cannot change yet, and what is to be said of aliases.

    `before` are the stack's outputs so far, `trust_domains` are those of its meshes, each with its aliases after it.
    """
    meshes, issued = before.get("meshes", {}), before.get("certificates") or {}
    wrong, notes = list[str](), list[str]()
    for name in stack.trust.issues:
        changed = change(("trust", "issues", name), issued.get(name), stack.trust.issued_trust_domains(name))
        wrong += unaccepted(changed, {})
    # Another topology changes what meshes there are, and with them the trust domains: docs/topologies.md.
    one_mesh = stack.topology.kind != "multi-mesh"
    if before.get("one_mesh", one_mesh) is not one_mesh:
        return wrong, notes
    accepted = {name: peer.accepted_trust_domains for name, peer in peers.items()}
    for name, now in trust_domains.items():
        path = ("topology",) if stack.topology.kind == "single-mesh" else ("meshes", name)
        changed = change(path, meshes.get(name), now)
        wrong += unaccepted(changed, accepted)
        if kubeconfig := before.get("kubeconfigs", {}).get(name):
            refused, said = still_used(changed, kubeconfig)
            wrong += refused
            notes += said
    return wrong, notes


class Change(NamedTuple):
    """The trust domains of one mesh, or of one whose CA this stack issues: at the last update and now, aliases last.

    `path` is where they are configured.
    """

    path: Path
    before: Sequence[str]
    now: Sequence[str]


def change(path: Path, before: Mapping[str, Any] | None, now: Sequence[str]) -> Change:
    """Return the change since what the outputs said `before` of a mesh or its CA: nothing, of a new one."""
    had = [before["trust_domain"], *before.get("trust_domain_aliases", [])] if before else now
    return Change(path, had, now)


def unaccepted(changed: Change, accepted: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield a line for each reason why workloads would be refused while they get their new trust domain.

    `accepted` are the trust domains that the stacks of peers accept.
    """
    had, *aliases = changed.before
    path, now = (*changed.path, "trust_domain"), changed.now[0]
    if now == had:
        return
    if now not in aliases:
        yield problem(
            path,
            now,
            f"no mesh accepts it yet, so requests would fail. Restore {had}, set trust_domain_aliases: [{now}] beside "
            f"it and {_UP}; then change it",
        )
    else:
        for stack, domains in accepted.items():
            if now not in domains:
                yield problem(path, now, f"stack {stack} does not accept it yet: {_UP} there first")
    if had not in changed.now:
        yield problem(path, now, f"workloads are of {had} until they restart: set trust_domain_aliases: [{had}]")


def still_used(changed: Change, kubeconfig: str) -> tuple[list[str], list[str]]:
    """Return a line for each former trust domain that workloads still have, and what is to be said of its aliases.

    It asks the cluster only if the mesh has or had aliases.
    """
    removed = [domain for domain in changed.before[1:] if domain not in changed.now]
    aliases, key = changed.now[1:], (*changed.path, "trust_domain_aliases")
    if not removed and not aliases:
        return [], []
    try:
        found = proxies(kubeconfig)
    except UnreadableProxiesError as error:
        said = f"which workloads have {', '.join(removed or aliases)} is not known: {error}"
        lines = [problem(key, [], f"{said}. Restore it until the cluster tells")] if removed else []
        return lines, [] if removed else [problem(key, [], said)]
    refused = [
        problem(
            key, [], f"{domain} cannot be removed: workloads have it. Restart them: {restart_commands(found[domain])}"
        )
        for domain in removed
        if found.get(domain)
    ]
    notes = [
        problem(key, [], f"workloads have {domain}: after this update, restart them: {restart_commands(found[domain])}")
        if found.get(domain)
        else problem(key, [], f"no workload has {domain}: after this update, make it the trust_domain, or remove it")
        for domain in aliases
    ]
    return refused, notes


def restart_commands(workloads: Sequence[str]) -> str:
    """Return the commands that restart workloads."""
    by_namespace = dict[str, list[str]]()
    for workload in workloads:
        namespace, _, name = workload.partition("/")
        by_namespace.setdefault(namespace, []).append(name)
    commands = (f"`kubectl rollout restart -n {at} {' '.join(names)}`" for at, names in by_namespace.items())
    return ", ".join(commands)
