"""Ways to install Istio, or to join one that is there, that contradict the rest of the configuration."""

from collections.abc import Iterator

from components.clusters.existing.settings import ExistingClusterSettings
from components.istio import NAMESPACE
from components.mesh.settings import MeshIstioSettings
from components.mesh.topology import MultiMesh, SingleMesh
from components.schema.problems import ABSENT, problem
from components.settings.parts import Parts
from multimesh.hosts import CLUSTER_DOMAIN
from multimesh.injection import DEFAULT_REVISION

_ONE_DOMAIN = (
    "needs topology multi-mesh: in one mesh a Service has the same name everywhere, and it ends with cluster.local"
)
_LONGEST_REVISION = 46
"""https://helm.sh/docs/chart_template_guide/getting_started/ (53 characters), without `istiod-`."""


def mistakes(parts: Parts) -> list[str]:
    """Return a line for each key of a mesh's `istio` that has no meaning where it is."""
    found = [
        problem(("meshes", name, "istio", key), value, message)
        for name, mesh in parts.meshes.items()
        for key, value, message in _of_mesh(parts, mesh.istio, mesh.cluster.kind)
    ]
    found += [
        problem(
            ("meshes", name, "trust_domain_aliases"),
            ", ".join(mesh.trust_domain_aliases),
            "whoever runs the control plane decides about its trust domains (istio.install: false): remove the key",
        )
        for name, mesh in parts.meshes.items()
        if mesh.trust_domain_aliases and not mesh.istio.install
    ]
    found += [
        problem(("meshes", name, "cluster", "dns_domain"), mesh.cluster.dns_domain, _ONE_DOMAIN)
        for name, mesh in parts.meshes.items()
        if isinstance(mesh.cluster, ExistingClusterSettings)
        and mesh.cluster.dns_domain != CLUSTER_DOMAIN
        and not isinstance(parts.topology, MultiMesh)
    ]
    found += _of_node_agents(parts)
    if parts.meshes and not any(mesh.istio.install for mesh in parts.meshes.values()):
        found += [
            problem(("istio", *key), ABSENT, "no mesh of the stack installs a control plane (istio.install): remove it")
            for key in _of_control_planes(parts)
        ]
    return found


def _of_mesh(parts: Parts, istio: MeshIstioSettings, kind: str) -> Iterator[tuple[str, object, str]]:
    makes = "the stack makes this cluster, so no Istio was in it before: remove the key"
    if istio.adopt and kind != "existing":
        yield "adopt", True, makes
    if istio.adopt and not istio.install:
        yield "adopt", True, "with install: false nothing is taken over: remove one of the two"
    if istio.install:
        if istio.revision:
            yield from (("revision", istio.revision, wrong) for wrong in _of_revision(parts, istio.revision))
        return
    if istio.cni:
        message = (
            "whoever runs the control plane decides how its sidecars start, and runs the node agent (install: false): "
            "remove the key"
        )
        yield "cni", True, message
    if kind != "existing":
        yield "install", False, makes
    if not isinstance(parts.topology, MultiMesh):
        message = (
            f"a mesh that somebody else runs is federated with others, but topology {parts.topology.kind} makes one "
            "mesh: use topology multi-mesh, or remove the key"
        )
        yield "install", False, message


def _of_node_agents(parts: Parts) -> Iterator[str]:
    """Yield a line for each key about the CNI node agent that contradicts another."""
    for name, mesh in parts.meshes.items():
        if isinstance(mesh.cluster, ExistingClusterSettings) and mesh.cluster.cni and not mesh.istio.cni:
            message = "has a meaning with istio.cni: true of the mesh alone: set it, or remove the key"
            yield problem(("meshes", name, "cluster", "cni"), ABSENT, message)
    having = [name for name, mesh in parts.meshes.items() if mesh.istio.cni]
    if parts.meshes and not having and parts.istio.values.cni:
        yield problem(("istio", "values", "cni"), ABSENT, "no mesh has the node agent (istio.cni): remove it")
    topology = parts.topology
    if not isinstance(topology, SingleMesh) or topology.control_plane != "one":
        return
    for name, mesh in parts.meshes.items():
        primary = parts.meshes.get(topology.primary or "")
        if primary is not None and mesh.istio.cni != primary.istio.cni:
            message = (
                f"must be {str(primary.istio.cni).lower()} as in {topology.primary}, whose control plane injects the "
                "sidecars of all clusters (control_plane: one)"
            )
            yield problem(("meshes", name, "istio", "cni"), mesh.istio.cni, message)


def _of_revision(parts: Parts, revision: str) -> Iterator[str]:
    """Yield why a control plane of this revision cannot be installed."""
    if revision == DEFAULT_REVISION:
        yield "is what Istio calls the control plane without a revision: remove the key to install that one"
    if revision == "remote":
        yield "is taken: istiod-remote is a name of every istiod. Use another one, such as its version, 1-31-0"
    if len(revision) > _LONGEST_REVISION:
        yield f"may have {_LONGEST_REVISION} characters, as Helm's release istiod-<revision> may have 53"
    if isinstance(parts.topology, SingleMesh):
        yield (
            "needs topology multi-mesh or single-cluster: in a single mesh, control planes of one revision do not know "
            "the trust domain of clusters that have none of it. Remove the key: istio.version changes in place"
        )
    host = f"istiod-{revision}.{NAMESPACE}.svc"
    if parts.trust.stack or parts.trust.external:
        where = "trust.stack" if parts.trust.stack else "trust.root without a key"
        yield (
            f"needs a CA that may sign {host}, and this mesh's is signed elsewhere ({where}), without that name. "
            "Remove the key: istio.version changes in place"
        )
    elif parts.trust.brought and (why := parts.trust.brought.excluded_host(host)):
        yield why
    if parts.istio.values.istiod.get("revisionTags"):
        yield (
            "cannot be with istio.values.istiod.revisionTags, which would be tags of two control planes at once: label "
            "the namespaces with a revision, then remove the tags"
        )


def _of_control_planes(parts: Parts) -> Iterator[tuple[str, ...]]:
    """Yield the keys of the stack's `istio` that are about control planes: the gateway's chart alone is installed."""
    yield from ((key,) for key in ("hub", "tag") if getattr(parts.istio, key))
    yield from (("values", chart) for chart in ("base", "istiod") if getattr(parts.istio.values, chart))
