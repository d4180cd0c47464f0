"""What HTTPS at the ingress must agree with: the hosts of the services, the certificate, the root that signs it."""

from collections.abc import Iterator, Sequence

from components.schema.problems import ABSENT, Path, problem
from components.settings.parts import Parts


def is_within(host: str, other: str) -> bool:
    """Return whether every request for `host` is one for `other`, which may begin with '*'."""
    return other in ("*", host) or (other.startswith("*.") and host.endswith(other[1:]))


def mistakes(parts: Parts) -> list[str]:
    """Return a line for each host without a service or a certificate, and for a root that cannot sign."""
    if parts.ingress is None:
        return []
    of_services = [host for service in parts.services.values() for host in service.ingress_hosts]
    if not of_services:
        message = "needs a service with ingress_hosts: without one, the ingress answers nobody"
        return [problem(("ingress",), ABSENT, message)]
    if parts.ingress.hosts is None and "*" in of_services:
        message = "is missing: a service has the ingress host '*', and no certificate is valid for it; name the hosts"
        return [problem(("ingress", "hosts"), ABSENT, message)]
    hosts = _paths(parts)
    found = [
        problem(path, host, "leads to no service: add it to ingress_hosts of the one that answers, or remove it")
        for host, path in hosts.items()
        if not any(is_within(host, other) for other in of_services)
    ]
    return found + list(_redirected(parts, list(hosts))) + list(_unsigned(parts, hosts))


def _paths(parts: Parts) -> dict[str, Path]:
    """Return the hosts of HTTPS, each with the key that names it."""
    ingress = parts.ingress
    if ingress is not None and ingress.hosts is not None:
        return {host: ("ingress", "hosts", number) for number, host in enumerate(ingress.hosts)}
    return {
        host: ("services", index, "ingress_hosts", number)
        for index, service in parts.services.items()
        for number, host in enumerate(service.ingress_hosts)
    }


def _redirected(parts: Parts, hosts: Sequence[str]) -> Iterator[str]:
    """Yield a line for each host whose requests would be redirected to where nobody answers for it."""
    if parts.ingress is None or not parts.ingress.redirect:
        return
    for index, service in parts.services.items():
        for number, host in enumerate(service.ingress_hosts):
            if host != "*" and not any(is_within(host, other) for other in hosts):
                message = (
                    "is not among ingress.hosts, so its plain HTTP would be redirected to where HTTPS does not answer: "
                    "add it there, or set ingress.redirect: false"
                )
                yield problem(("services", index, "ingress_hosts", number), host, message)


def _unsigned(parts: Parts, hosts: dict[str, Path]) -> Iterator[str]:
    """Yield a line for each host that the certificate does not name, or for a root that cannot sign one."""
    if parts.ingress is None:
        return
    tls, trust = parts.ingress.tls, parts.trust
    if tls.issuer and (trust.stack or trust.brought):
        where = f"in stack {trust.stack}" if trust.stack else "your own, and is read to sign CAs alone"
        message = f"the root's key is {where}: give certificate and key, or secret"
        yield problem(("ingress", "tls", "issuer"), tls.issuer, message)
    for host, path in hosts.items():
        if tls.brought and (message := tls.brought.unnamed(host)):
            yield problem(path, host, message)
