"""Check, before Pulumi creates anything, what clusters need outside the stack: API servers, credentials, tools."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_network
from itertools import combinations

from components.clusters import kinds
from components.clusters.kubeconfig import KubeconfigError
from components.clusters.missing import Missing
from components.schema import problems
from components.schema.problems import SettingsError
from components.settings import Settings


def check(settings: Settings) -> None:
    """Check what every cluster needs outside the stack. Raise SettingsError listing everything that is missing."""
    found = [
        problems.problem(("meshes", mesh, "cluster", *path), value, message)
        for mesh in settings.meshes
        for path, value, message in _unready(settings, mesh)
    ]
    # The program can read pod CIDRs only from clusters that answer.
    if not found and settings.flat:
        cidrs = dict[str, Sequence[str]]()
        for mesh, mesh_settings in settings.meshes.items():
            try:
                cidrs[mesh] = kinds.pod_cidrs(mesh_settings.cluster)
            except KubeconfigError as error:
                found.append(problems.problem(("meshes", mesh, "cluster", "kubeconfig"), problems.ABSENT, str(error)))
        found += [
            problems.problem(
                ("meshes", other, "cluster"),
                theirs,
                f"overlaps {ours}, a pod CIDR of {one}: in a flat network, pod CIDRs must not overlap. A cluster "
                "cannot change its pod CIDR and keep its pods: create another cluster beside it, or set "
                "topology.network: gateways",
            )
            for one, other, ours, theirs in overlaps(cidrs)
        ]
    if found:
        raise SettingsError(problems.report(found))


def notes(settings: Settings) -> Iterator[str]:
    """Yield a line for each cluster in which something is taken over that an Istio has left."""
    for mesh, about in settings.meshes.items():
        with suppress(KubeconfigError):  # it answered a moment ago
            if about.istio.adopt and (found := ", ".join(kinds.leftovers(about.cluster, about.istio.revision))):
                yield f"mesh {mesh}: `pulumi up` takes over (istio.adopt): {found}"


def _unready(settings: Settings, mesh: str) -> Iterator[Missing]:
    cluster = settings.meshes[mesh].cluster
    istio, read_by_others = settings.meshes[mesh].istio, settings.is_read_by_others(mesh)
    there = {"sample": settings.sample, "read_by_others": read_by_others}
    there |= {"adopt": istio.adopt, "install": istio.install}
    yield from kinds.missing(cluster, **there, revision=istio.revision, cni=istio.cni)
    if read_by_others:
        yield from kinds.unreadable(cluster)


def overlaps(cidrs: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str, str, str]]:
    """Yield two clusters and their CIDRs for every pair of CIDRs that share addresses."""
    for (one, ours), (other, theirs) in combinations(cidrs.items(), 2):
        for cidr in ours:
            for peer in theirs:
                a, b = ip_network(cidr), ip_network(peer)
                if a.version == b.version and a.overlaps(b):
                    yield one, other, cidr, peer
