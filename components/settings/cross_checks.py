"""Mistakes between valid parts: names used twice, and a service entry that contradicts the sample service."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from components.schema import names
from components.schema.problems import ABSENT, problem
from components.settings.parts import Parts
from multimesh.contract import SAMPLE


def clashes(parts: Parts) -> list[str]:
    """Return a line for each service, ingress host or trust domain that is used twice."""
    services = parts.services.values()
    found = [
        problem(("services",), f"{name}.{namespace}", "a service may be listed once")
        for name, namespace in _twice((service.name, service.namespace) for service in services)
    ]
    found += [
        problem(("services",), host, "an ingress host may belong to one service")
        for host in _twice(host for service in services for host in service.ingress_hosts)
    ]
    domains = {
        ("meshes", name): mesh.trust_domain or names.default_trust_domain(name) for name, mesh in parts.meshes.items()
    }
    domains |= {("trust", "issues", name): parts.trust.issued_trust_domain(name) for name in parts.trust.issues}
    found += [
        problem((*path, "trust_domain"), domain, "a trust domain may belong to one mesh")
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


def sample_mistakes(parts: Parts) -> list[str]:
    """Return a line for each key of the sample service's entry that differs from the sample service."""
    if not parts.sample:
        return []
    return [
        problem(
            ("services", index, key),
            getattr(service, key) if key in service.model_fields_set else ABSENT,
            f"{'' if key in service.model_fields_set else 'is missing; '}must be {made!r}, as in the sample service",
        )
        for index, service in parts.services.items()
        if SAMPLE.is_named(service.name, service.namespace)
        for key, made in (("port", SAMPLE.port), ("service_account", SAMPLE.service_account))
        if getattr(service, key) != made
    ]


def _twice(values: Iterable[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]
