"""Settings that the topologies with one mesh do not allow, or require."""

from collections.abc import Sequence

from components.mesh.topology import SingleCluster, SingleMesh
from components.schema.problems import ABSENT, Path, problem
from components.settings.parts import Parts
from components.settings.service import ServiceSettings
from multimesh.contract import SAMPLE


def contradictions(parts: Parts) -> list[str]:
    """Return a line for each part that contradicts the topology; none for independent meshes."""
    topology = parts.topology
    if isinstance(topology, SingleCluster):
        return _peers(parts) + _one_cluster(parts)
    if isinstance(topology, SingleMesh):
        return _peers(parts) + _clusters(parts, topology) + _services(parts, topology)
    return []


def _peers(parts: Parts) -> list[str]:
    message = f"peers need topology multi-mesh, not {parts.topology.kind}"
    return [problem(("peers",), parts.peers, message)] if parts.peers else []


def _one_cluster(parts: Parts) -> list[str]:
    if len(parts.mesh_names) <= 1:
        return []
    return [problem(("meshes",), ", ".join(parts.mesh_names), "topology single-cluster must have one mesh")]


def _clusters(parts: Parts, topology: SingleMesh) -> list[str]:
    """Return a line for each contradiction of a single mesh's clusters, trust or control plane."""
    found = []
    if len(parts.mesh_names) == 1:
        message = "topology single-mesh must have two clusters or more"
        found.append(problem(("meshes",), parts.mesh_names[0], message))
    if parts.trust.stack:
        message = (
            "another stack issues CAs for trust domains of one mesh each; with topology single-mesh, remove this key: "
            "the stack makes its own root, or uses trust.root"
        )
        found.append(problem(("trust", "stack"), parts.trust.stack, message))
    if parts.trust.external:
        message = (
            "is missing: in a topology single-mesh the stack signs the CAs of all clusters, so it needs the root's key"
        )
        found.append(problem(("trust", "root", "key"), ABSENT, message))
    if topology.control_plane == "one" and topology.primary is None:
        message = (
            f"is missing; with control_plane: one it names the cluster that runs it: {', '.join(parts.mesh_names)}"
        )
        found.append(problem(("topology", "primary"), ABSENT, message))
    if topology.control_plane == "one":
        found += [
            problem(
                ("trust", "ca_generations", name),
                generation,
                f"the control plane of {topology.primary} signs for this cluster: set it for {topology.primary}",
            )
            for name, generation in parts.trust.ca_generations.items()
            if name != topology.primary
        ]
    found += _served_from(parts, topology)
    found += [
        problem(
            ("meshes", name, key),
            getattr(mesh, key),
            f"the clusters of a single mesh share one trust domain: set topology.{key} instead",
        )
        for name, mesh in parts.meshes.items()
        for key in ("trust_domain", "trust_domain_aliases")
        if key in mesh.model_fields_set
    ]
    return found


def _served_from(parts: Parts, topology: SingleMesh) -> list[str]:
    """Return a line if the primary's gateway could not tell by their addresses whom it serves."""
    primary = parts.meshes.get(topology.primary or "")
    if primary is None:
        return []
    kind, found = primary.cluster.kind, list[str]()
    if topology.served_from is not None and kind != "existing":
        other = {"gke": f"its firewall does: set meshes.{topology.primary}.cluster.peer_cidrs"}.get(
            kind, "the program knows the networks itself: remove it"
        )
        found.append(
            problem(("topology", "served_from"), topology.served_from, f"is for a primary of kind existing; {other}")
        )
    path = ("gateway", "service", "externalTrafficPolicy")
    policy = parts.istio.values.gateway.get("service", {}).get("externalTrafficPolicy")
    if policy not in (None, "Local") and (topology.served_from is not None or kind == "local"):
        message = (
            f"the gateway of {topology.primary} could not tell by their addresses which clusters it serves: remove it"
        )
        found.append(problem(("istio", "values", *path), policy, message))
    return found


def _services(parts: Parts, topology: SingleMesh) -> list[str]:
    """Return a line for each service setting that a single mesh does not allow: they apply to all clusters."""
    found = []
    for index, service in parts.services.items():
        path = ("services", index)
        found += _weights(path, service) + _order(path, service, topology) + _callers(path, service, parts.mesh_names)
        if parts.sample:
            found += _sample(path, service, parts.mesh_names)
    return found


def _weights(path: Path, service: ServiceSettings) -> list[str]:
    if service.split == "weighted" or len(set(service.meshes.values())) <= 1:
        return []
    message = (
        "a single mesh shares requests evenly among all pods: use equal weights, or split: weighted, "
        "which divides requests by cluster and fails those of a lost cluster"
    )
    return [problem((*path, "meshes"), service.meshes, message)]


def _order(path: Path, service: ServiceSettings, topology: SingleMesh) -> list[str]:
    """Return a line for a preference that Istio does not know in a single mesh."""
    if service.prefer == "weights":
        return []
    message = ""
    if topology.network == "gateways" and service.ingress_hosts:
        message = "the gateways of a single mesh divide requests from outside evenly: remove it, or ingress_hosts"
    elif topology.network == "gateways" and service.prefer != "local":
        message = "through the gateways of a single mesh no other cluster can be preferred: use local, or network: flat"
    elif not isinstance(service.prefer, str) and len(service.prefer) > 1 and len(service.meshes) > 2:
        message = "in a single mesh only the first cluster can be preferred, the others follow together: name it alone"
    return [problem((*path, "prefer"), service.prefer, message)] if message else []


def _callers(path: Path, service: ServiceSettings, clusters: Sequence[str]) -> list[str]:
    """Return a line if callers are listed for some clusters only."""
    named = [caller.partition("/")[::2] for caller in service.callers or []]
    asked = {identity for cluster, identity in named if cluster in clusters}
    missing = [
        f"{cluster}/{identity}".removesuffix("/")
        for identity in sorted(asked)
        for cluster in clusters
        if (cluster, identity) not in named
    ]
    if not missing:
        return []
    message = (
        "the clusters of a single mesh share identities, so a caller in one is a caller in all: "
        f"add {', '.join(missing)}"
    )
    return [problem((*path, "callers"), service.callers, message)]


def _sample(path: Path, service: ServiceSettings, clusters: Sequence[str]) -> list[str]:
    """Return a line if clusters run the sample, and would answer, but are not listed."""
    missing = [cluster for cluster in clusters if cluster not in service.meshes]
    is_sample = SAMPLE.is_named(service.name, service.namespace)
    if not missing or not is_sample or service.split == "weighted":
        return []
    message = f"the sample runs in every cluster of a single mesh: add {', '.join(missing)}, or set split: weighted"
    return [problem((*path, "meshes"), service.meshes, message)]
