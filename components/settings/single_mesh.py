"""What a topology does not allow elsewhere in the configuration, or misses there."""

from typing import Any

from components.schema import problems


def contradictions(raw: dict[str, Any], sample: dict[str, Any]) -> list[str]:
    """Return what the topology of a raw configuration does not allow elsewhere in it, or misses there.

    `sample` is the service that, unless it is turned off, runs in every cluster.
    """
    topology = raw.get("topology")
    topology = topology if isinstance(topology, dict) else {}
    meshes = raw.get("meshes")
    meshes = meshes if isinstance(meshes, dict) else {}
    kind = topology.get("kind")
    if kind not in ("single-cluster", "single-mesh"):
        return []
    found = []
    if raw.get("peers"):
        found.append(problems.problem(("peers",), raw["peers"], f"peers are for topology multi-mesh, not for {kind}"))
    if kind == "single-cluster":
        if len(meshes) > 1:
            found.append(problems.problem(("meshes",), ", ".join(meshes), "topology single-cluster has one mesh"))
        return found
    if len(meshes) == 1:
        found.append(problems.problem(("meshes",), next(iter(meshes)), "topology single-mesh has two clusters or more"))
    trust = raw.get("trust")
    if isinstance(trust, dict) and trust.get("stack"):
        message = (
            "another stack issues for trust domains of one mesh each; a single mesh makes its own root, or brings it"
        )
        found.append(problems.problem(("trust", "stack"), trust["stack"], message))
    if topology.get("control_plane") == "one" and topology.get("primary") is None:
        message = f"is missing; with control_plane: one it names the cluster that runs it: {', '.join(meshes)}"
        found.append(problems.problem(("topology", "primary"), problems.ABSENT, message))
    found += [
        problems.problem(
            ("meshes", name, "trust_domain"),
            entry["trust_domain"],
            "the clusters of a single mesh share one: topology.trust_domain",
        )
        for name, entry in meshes.items()
        if isinstance(entry, dict) and "trust_domain" in entry
    ]
    services = raw.get("services")
    for index, service in enumerate(services if isinstance(services, list) else []):
        if isinstance(service, dict):
            found += _of_service(("services", index), service, list(meshes))
            found += _of_sample(("services", index), service, list(meshes), sample) if raw.get("sample", True) else []
    return found


def _of_sample(path: problems.Path, service: dict[str, Any], clusters: list[str], sample: dict[str, Any]) -> list[str]:
    """Return where the sample, which runs in every cluster, would also answer in one that is not listed."""
    weights = service.get("meshes")
    is_sample = (service.get("name"), service.get("namespace")) == (sample["name"], sample["namespace"])
    if not is_sample or not isinstance(weights, dict) or service.get("split", "failover") != "failover":
        return []
    missing = [cluster for cluster in clusters if cluster not in weights]
    message = f"the sample answers in every cluster of a single mesh: add {', '.join(missing)}, or set split: weighted"
    return [problems.problem((*path, "meshes"), weights, message)] if missing else []


def _of_service(path: problems.Path, service: dict[str, Any], clusters: list[str]) -> list[str]:
    """Return what a service of a single mesh cannot say: there its pods, and who calls, count wherever they are."""
    found = []
    weights, callers = service.get("meshes"), service.get("callers")
    uneven = isinstance(weights, dict) and len({str(weight) for weight in weights.values()}) > 1
    if uneven and service.get("split", "failover") == "failover":
        message = (
            "a single mesh shares requests evenly among all pods: equal weights are wanted, or split: weighted, "
            "which divides them by cluster and lets those of a lost cluster fail"
        )
        found.append(problems.problem((*path, "meshes"), weights, message))
    if isinstance(callers, list):
        named = [caller.partition("/") for caller in callers if isinstance(caller, str)]
        asked = {rest for cluster, _, rest in named if cluster in clusters}
        missing = [
            f"{cluster}/{rest}".removesuffix("/")
            for rest in sorted(asked)
            for cluster in clusters
            if (cluster, rest) not in {(cluster, rest) for cluster, _, rest in named}
        ]
        if missing:
            message = (
                f"the clusters of a single mesh share identities, so a caller of one is one of all: "
                f"add {', '.join(missing)}"
            )
            found.append(problems.problem((*path, "callers"), callers, message))
    return found
