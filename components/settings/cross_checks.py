"""Mistakes between valid parts: names used twice, and what contradicts the sample service or the mesh itself."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from components.mesh.owned_values import mistakes
from components.mesh.topology import SingleMesh
from components.schema import names
from components.schema.problems import ABSENT, problem
from components.settings.parts import Parts
from multimesh.contract import SAMPLE

_AS_MADE = "as in the sample service"


def clashes(parts: Parts) -> list[str]:
    """Return a line for each service, ingress host or trust domain that is used twice."""
    services = parts.services.values()
    found = [
        problem(("services",), f"{name}.{namespace}", "a service may be listed once, with all its ports")
        for name, namespace in _twice((service.name, service.namespace) for service in services)
    ]
    found += [
        problem(("services",), host, "an ingress host may belong to one service")
        for host in _twice(host for service in services for host in service.ingress_hosts)
    ]
    domains = _trust_domains(parts)
    found += [
        problem(path, domain, "a trust domain may belong to one mesh")
        for domain in _twice(domains.values())
        for path in domains
        if domains[path] == domain
    ]
    found += [
        problem(("trust", "issues", name), ABSENT, "this stack already issues the CA of its own mesh; remove it here")
        for name in parts.trust.issues
        if name in parts.mesh_names
    ]
    return found


def excluded_by_the_root(parts: Parts) -> list[str]:
    """Return a line for each trust domain that the user's own root may not sign a CA for."""
    if parts.trust.brought is None:
        return []
    domains = _trust_domains(parts)
    if isinstance(parts.topology, SingleMesh):
        domains = {("topology", "trust_domain"): parts.topology.trust_domain}
    excluded = ((path, domain, parts.trust.brought.excluded(domain)) for path, domain in domains.items())
    return [problem(path, domain, message) for path, domain, message in excluded if message]


def sample_mistakes(parts: Parts) -> list[str]:
    """Return a line for each key of the sample service's entry that differs from the sample service."""
    if not parts.sample:
        return []
    found = []
    for index, service in parts.services.items():
        if not SAMPLE.is_named(service.name, service.namespace):
            continue
        key = "port" if service.ports is None else "ports"
        if service.protocols not in ({SAMPLE.port: None}, {SAMPLE.port: "http"}):
            found.append(
                problem(
                    ("services", index, key),
                    ABSENT if service.ports else service.port,
                    f"must be {SAMPLE.port}, {_AS_MADE}",
                )
            )
        if service.service_account != SAMPLE.service_account:
            given = "service_account" in service.model_fields_set
            message = f"{'' if given else 'is missing; '}must be {SAMPLE.service_account!r}, {_AS_MADE}"
            value = service.service_account if given else ABSENT
            found.append(problem(("services", index, "service_account"), value, message))
    return found


def owned_values(parts: Parts) -> list[str]:
    """Return a line for each Helm value that contradicts multimesh."""
    found = mistakes(parts.istio.values.model_dump(), https=parts.ingress is not None)
    return [problem(("istio", "values", *path), value, message) for path, value, message in found]


def _trust_domains(parts: Parts) -> dict[tuple[str, ...], str]:
    """Return the trust domain of each mesh and of each mesh of another stack that gets its CA here, by its path."""
    own = {name: mesh.trust_domain or names.default_trust_domain(name) for name, mesh in parts.meshes.items()}
    issued = {name: parts.trust.issued_trust_domain(name) for name in parts.trust.issues}
    return {
        **{("meshes", name, "trust_domain"): domain for name, domain in own.items()},
        **{("trust", "issues", name, "trust_domain"): domain for name, domain in issued.items()},
    }


def _twice(values: Iterable[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]
