"""Mistakes between valid parts: names used twice, and what contradicts the sample service or the mesh itself."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from components.mesh.owned_values import mistakes
from components.mesh.topology import SingleMesh
from components.schema import names
from components.schema.problems import ABSENT, problem
from components.settings.parts import Parts
from multimesh.contract import SAMPLE

Path = tuple[str | int, ...]

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
    domains = _constrained(parts)
    excluded = ((path, domain, parts.trust.brought.excluded(domain)) for path, domain in domains.items())
    return [problem(path, domain, message) for path, domain, message in excluded if message]


def refused_by_envoy(parts: Parts) -> list[str]:
    """Return a line for each trust domain that Envoy does not take below a CA with name constraints.

    SPIFFE and Go take `_`; BoringSSL answers "unsupported or invalid name syntax" to every certificate of it. A mesh
    that somebody else runs may have a CA without constraints.
    """
    theirs = {("meshes", name) for name, mesh in parts.meshes.items() if not mesh.istio.install}
    message = "must have no '_': proxies refuse every certificate of it below a CA that is confined to it; '-' will do"
    return [
        problem(path, domain, message)
        for path, domain in _constrained(parts).items()
        if "_" in domain and path[:2] not in theirs
    ]


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


def related_aliases(parts: Parts) -> list[str]:
    """Return a line for each alias that no CA can be confined to beside the mesh's other trust domains."""
    meshes: dict[Path, list[str]] = {
        ("meshes", name): [mesh.trust_domain or names.default_trust_domain(name), *mesh.trust_domain_aliases]
        for name, mesh in parts.meshes.items()
    }
    meshes |= {("trust", "issues", name): parts.trust.issued_trust_domains(name) for name in parts.trust.issues}
    if isinstance(parts.topology, SingleMesh):
        meshes[("topology",)] = [parts.topology.trust_domain, *parts.topology.trust_domain_aliases]
    return [
        problem(
            (*path, "trust_domain_aliases"),
            ABSENT,
            f"{lower} is below {upper}: the mesh's CA may sign for {upper} and for nothing below it. Change to a trust "
            "domain that is neither, and from there to the one that you want",
        )
        for path, domains in meshes.items()
        for upper in domains
        for lower in domains
        if lower.endswith(f".{upper}")
    ]


def _constrained(parts: Parts) -> dict[Path, str]:
    """Return each trust domain that a CA is confined to, by its path; those of a single mesh are its topology's."""
    if isinstance(parts.topology, SingleMesh):
        return _by_path(("topology",), parts.topology.trust_domain, parts.topology.trust_domain_aliases)
    return _trust_domains(parts)


def _trust_domains(parts: Parts) -> dict[Path, str]:
    """Return each trust domain of a mesh, or of a mesh of another stack that gets its CA here, by its path."""
    found = dict[Path, str]()
    for name, mesh in parts.meshes.items():
        domain = mesh.trust_domain or names.default_trust_domain(name)
        found |= _by_path(("meshes", name), domain, mesh.trust_domain_aliases)
    for name in parts.trust.issues:
        domain, *aliases = parts.trust.issued_trust_domains(name)
        found |= _by_path(("trust", "issues", name), domain, aliases)
    return found


def _by_path(path: Path, domain: str, aliases: Sequence[str]) -> dict[Path, str]:
    numbered = enumerate(aliases)
    return {
        (*path, "trust_domain"): domain,
        **{(*path, "trust_domain_aliases", index): alias for index, alias in numbered},
    }


def _twice(values: Iterable[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]
