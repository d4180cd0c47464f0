"""Which control planes each mesh has: the one that is configured, and those that the cluster still uses.

The stack's state says which are installed, so that an update that was killed forgets none. Their clusters say what uses
them; one that does not answer keeps all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.clusters.existing.settings import ExistingClusterSettings
from components.federation import revision_users, stack_outputs
from components.federation.proxies import UnreadableProxiesError
from components.federation.revision_users import Users
from components.federation.trust_domain_change import restart_commands
from components.mesh import revisions
from components.mesh.revisions import ControlPlanes, Installed
from components.schema.problems import ABSENT, SettingsError, problem, report
from components.settings import Settings
from multimesh.control_plane import ControlPlane
from multimesh.hosts import CLUSTER_DOMAIN
from multimesh.injection import DEFAULT_REVISION

Resources = Mapping[tuple[str, str], Mapping[str, Any]]


@dataclass(frozen=True)
class Revisions:
    """The control planes of the meshes that have their own, by mesh, and a line for each that stays or goes."""

    of: Mapping[str, ControlPlanes]
    notes: Sequence[str] = field(default_factory=list)
    domains: Mapping[str, str] = field(default_factory=dict)
    """The domain of each mesh's cluster."""

    @property
    def planes(self) -> dict[str, ControlPlane]:
        """The configured control plane of each mesh."""
        return {
            mesh: ControlPlane(revision=found.revision, cluster_domain=self.domains.get(mesh, CLUSTER_DOMAIN))
            for mesh, found in self.of.items()
        }


def read(stack: Settings) -> Revisions:
    """Return the control planes that each mesh has after this update.

    Raise SettingsError for one that stays and could not be changed any more, and UnreadableStackError.
    """
    resources = stack_outputs.own_resources()
    releases = {name: about for (kind, name), about in resources.items() if kind == "Release"}
    found, notes, wrong = dict[str, ControlPlanes](), list[str](), list[str]()
    for mesh in stack.meshes:
        if mesh in stack.joined:
            continue
        revision = stack.meshes[mesh].istio.revision or DEFAULT_REVISION
        installed = {one.revision: one for one in revisions.installed(releases, mesh)}
        former = [one for name, one in installed.items() if name != revision]
        if former:
            former, said = _staying(former, revision, installed, _kubeconfig(stack, resources, mesh))
            notes += [f"mesh {mesh}: {line}" for line in said]
            wrong += _unchangeable(stack, mesh, former)
        found[mesh] = ControlPlanes(revision, former)
    if wrong:
        raise SettingsError(report(wrong))
    return Revisions(found, notes, {mesh: stack.cluster_domain(mesh) for mesh in found})


def _kubeconfig(stack: Settings, resources: Resources, mesh: str) -> str:
    """Return the kubeconfig of a mesh's cluster: the configured one, else that with which it was last reached."""
    cluster = stack.meshes[mesh].cluster
    if isinstance(cluster, ExistingClusterSettings):
        return cluster.kubeconfig.text
    return resources.get(("kubernetes", f"{mesh}-kubernetes"), {}).get("kubeconfig", "")


def _staying(
    former: Sequence[Installed], revision: str, installed: Mapping[str, Installed], kubeconfig: str
) -> tuple[list[Installed], list[str]]:
    """Return those of the former control planes that stay, and a line for each."""
    names, notes = ", ".join(one.revision for one in former), list[str]()
    if revision not in installed:
        notes.append(f"control plane {revision} is installed beside {names}, and multimesh's own workloads move to it")
    try:
        used = revision_users.read(kubeconfig)
    except UnreadableProxiesError as error:
        return list(former), [*notes, f"control plane {names} stays, as what uses it is not known: {error}"]
    staying = list[Installed]()
    for one in former:
        users = used.get(one.revision, Users())
        if users.is_none and revision in installed:
            notes.append(f"nothing uses control plane {one.revision} any more: it is removed")
        else:
            staying.append(one)
            notes.append(f"control plane {one.revision} stays {_why(users, revision)}")
    return staying, notes


def _why(users: Users, revision: str) -> str:
    """Return the end of a sentence: what uses a control plane, and the commands that move it to this revision."""
    if not (users.namespaces or users.workloads):
        return "until the next `pulumi up`: nothing but multimesh's own workloads uses it"
    named = [*(f"namespace {name}" for name in users.namespaces), *users.workloads]
    steps = list[str]()
    if users.namespaces:
        steps.append(f"`{ControlPlane(revision=revision).command(' '.join(users.namespaces))}`")
    if users.labelled:
        change = "remove the label istio.io/rev" if revision == DEFAULT_REVISION else f"set istio.io/rev: {revision}"
        steps.append(f"{change} among the labels of the pods of {', '.join(users.labelled)}")
    if restarting := [name for name in users.workloads if name not in users.labelled]:
        steps.append(restart_commands(restarting))
    return f"for {', '.join(named)}. Move them to {revision}: {', then '.join(steps)}"


def _unchangeable(stack: Settings, mesh: str, staying: Sequence[Installed]) -> Iterator[str]:
    if stack.topology.kind == "single-mesh":
        for one in staying:
            yield problem(
                ("topology", "kind"),
                stack.topology.kind,
                f"control plane {one.revision} of mesh {mesh} is still there: restore the topology until it is removed",
            )
    for one in staying:
        if one.is_changed:
            yield problem(
                ("istio", "charts"),
                stack.istio.charts or ABSENT,
                f"control plane {one.revision} of mesh {mesh} is installed from {one.folder}, which has another chart "
                "now: restore it, and put the new charts into another folder",
            )
