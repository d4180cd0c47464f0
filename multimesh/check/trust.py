"""Checks of certificates: what istiod signs with, what it gives to proxies, and what proxies have."""

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes

from multimesh.check.control_planes import own
from multimesh.check.federation import Federation
from multimesh.check.result import Check, Problem, Severity

WAIT = "look again: kubelet brings it to istiod within two minutes"
_SOON = timedelta(days=60)
_UP = "`pulumi up --refresh` makes it as it was; then restart istiod"


BROUGHT_WITHIN = timedelta(minutes=3)
"""kubelet brings a changed Secret to a pod within its period of synchronization and its cache's age, a minute each:
https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets-as-files-from-a-pod"""


def just_changed(federation: Federation, mesh: str) -> str:
    """Return how long ago the Secret `cacerts` of a mesh's istiod was changed, as the end of a cause.

    Empty if that is so long ago that istiod must have it.
    """
    topology = federation.outputs.topology
    cluster = federation.clusters.get((topology and topology.primary) or mesh)
    changed = cluster and cluster.cacerts_changed
    if not changed or federation.now - changed >= BROUGHT_WITHIN:
        return ""
    return f"; the Secret cacerts was changed {(federation.now - changed).total_seconds():.0f} s ago"


def fingerprint(certificate: x509.Certificate) -> str:
    """Return its SHA-256 as openssl prints it, shortened to the first 8 bytes."""
    return certificate.fingerprint(hashes.SHA256()).hex(":", 1).upper()[:23]


def _pem(cacerts: Mapping[str, str], name: str) -> list[x509.Certificate]:
    """Return the certificates of a file of the Secret `cacerts`. Raise ValueError if they cannot be read."""
    return x509.load_pem_x509_certificates(base64.b64decode(cacerts.get(name, "")))


def _roots(federation: Federation) -> set[x509.Certificate]:
    return set(x509.load_pem_x509_certificates(federation.outputs.trusted_pem.encode()))


def _cacerts(federation: Federation) -> Iterable[Problem]:
    roots = _roots(federation)
    for mesh, cluster in own(federation):
        if not cluster.cacerts:
            if not any("cacerts" in refused for refused in cluster.refused):
                yield Problem(mesh, "there is no Secret cacerts: istiod makes a root of its own when it starts", _UP)
            continue
        try:
            [ca], found = _pem(cluster.cacerts, "ca-cert.pem")[:1], _pem(cluster.cacerts, "root-cert.pem")
            chain = _pem(cluster.cacerts, "cert-chain.pem")
        except ValueError as error:
            yield Problem(mesh, f"the Secret cacerts cannot be read: {error}", _UP)
            continue
        if not roots <= set(found):
            names = ", ".join(fingerprint(one) for one in found)
            wanted = ", ".join(fingerprint(one) for one in roots)
            yield Problem(mesh, f"the Secret cacerts has root {names}, the stack has {wanted}", _UP)
        elif reason := _broken_chain([ca, *(one for one in chain if one != ca)], set(found)):
            yield Problem(mesh, f"the CA in the Secret cacerts is not of the root: {reason}", _UP)
        elif cluster.plane.installed and (reason := _other_domain(ca, federation.outputs.meshes[mesh].trust_domain)):
            yield Problem(mesh, f"the CA in the Secret cacerts {reason}", _UP)


def _broken_chain(chain: list[x509.Certificate], roots: set[x509.Certificate]) -> str:
    """Return why the first certificate does not lead to one of the roots; empty if it does."""
    current = chain[0]
    for below in range(1, len(chain) + 2):
        issuers = [one for one in {*chain, *roots} if one.subject == current.issuer and one != current]
        for issuer in issuers:
            try:
                current.verify_directly_issued_by(issuer)
            except (ValueError, TypeError, InvalidSignature):
                continue
            if (most := _path_length(issuer)) is not None and most < below:
                return f"{issuer.subject.rfc4514_string()} may have {most} CAs below it, and has {below}"
            if issuer in roots:
                return ""
            current = issuer
            break
        else:
            return f"nobody signed {current.subject.rfc4514_string() or 'it'}"
    return "its chain has no end"


def leads_to(chain: list[x509.Certificate], root: x509.Certificate) -> bool:
    """Return whether the first certificate leads to this root, by way of the others."""
    return not _broken_chain(list(dict.fromkeys(one for one in chain if one != root)), {root})


def _path_length(ca: x509.Certificate) -> int | None:
    """Return how many CAs may be below a CA; None: any number."""
    try:
        return ca.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    except x509.ExtensionNotFound:
        return None


def _other_domain(ca: x509.Certificate, trust_domain: str) -> str:
    try:
        permitted = ca.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    except x509.ExtensionNotFound:
        return "has no name constraints: whoever has its key is every mesh"
    domains = [str(one.value) for one in permitted if isinstance(one, x509.UniformResourceIdentifier)]
    return "" if trust_domain in domains else f"may sign for {', '.join(domains) or 'no trust domain'} alone"


def _distributed(federation: Federation) -> Iterable[Problem]:
    roots = _roots(federation)
    for mesh, cluster in federation.clusters.items():
        for found in cluster.all("ConfigMap"):
            about = found["metadata"]
            if about["name"] != "istio-ca-root-cert":
                continue
            where = f"{mesh}, namespace {about['namespace']}"
            try:
                given = set(
                    x509.load_pem_x509_certificates((found.get("data") or {}).get("root-cert.pem", "").encode())
                )
            except ValueError as error:
                yield Problem(where, f"ConfigMap istio-ca-root-cert cannot be read: {error}", "restart istiod")
                continue
            if roots - given:
                names = ", ".join(fingerprint(one) for one in given)
                cause = f"istiod gives proxies root {names}, the stack has another"
                if ago := just_changed(federation, mesh):
                    yield Problem(where, cause + ago, WAIT, Severity.WARNING)
                else:
                    yield Problem(where, cause, "restart istiod, then the workloads of the namespace")


def _dates(federation: Federation) -> Iterable[Problem]:
    outputs = federation.outputs
    for name, text in {
        "root CA": outputs.root_ca_expires or "",
        **{f"{mesh}: CA of the mesh": about.ca_expires for mesh, about in outputs.meshes.items()},
    }.items():
        if text:
            yield from _expiring(federation, name, datetime.fromisoformat(text))
    for mesh, cluster in own(federation):
        try:
            found = _pem(cluster.cacerts, "ca-cert.pem") if cluster.cacerts else []
        except ValueError:
            continue
        for ca in found[:1]:
            yield from _expiring(federation, f"{mesh}: CA in the Secret cacerts", ca.not_valid_after_utc)


def _expiring(federation: Federation, name: str, expires: datetime) -> Iterable[Problem]:
    left = expires - federation.now
    if left <= timedelta():
        yield Problem(name, f"it expired on {expires:%Y-%m-%d %H:%M} UTC", "run `pulumi up`")
    elif left < _SOON:
        cause = f"it expires on {expires:%Y-%m-%d}, in {left.days} days"
        yield Problem(name, cause, "run `pulumi up` within its last 30 days", Severity.WARNING)


def _proxies(federation: Federation) -> Iterable[Problem]:
    for mesh, caller in federation.callers.items():
        domains = federation.outputs.meshes[mesh].trust_domains
        if caller.trouble:
            continue
        if not any(name.startswith(tuple(f"spiffe://{domain}/" for domain in domains)) for name in caller.identities):
            cause = (
                f"the sample's sidecar is {', '.join(caller.identities) or 'nobody'}, not of trust domain "
                f"{' or '.join(domains)}"
            )
            yield Problem(mesh, cause, "kubectl -n demo rollout restart deployment echo; other workloads alike")
        elif caller.expires and caller.expires < federation.now:
            cause = f"the certificate of the sample's sidecar expired on {caller.expires:%Y-%m-%d %H:%M} UTC"
            yield Problem(mesh, cause, "see why istiod signs none: its log")


def _distinct(federation: Federation) -> Iterable[Problem]:
    if federation.outputs.one_mesh:
        return
    domains: dict[str, list[str]] = {}
    for mesh, about in federation.outputs.meshes.items():
        for domain in about.trust_domains:
            domains.setdefault(domain, []).append(mesh)
    for domain, meshes in domains.items():
        if len(meshes) > 1:
            cause = f"trust domain {domain} is that of {' and '.join(meshes)}"
            yield Problem("the stack", cause, "give each mesh a trust domain of its own")


CHECKS = [
    Check("cacerts", "Trust", "istiod signs with the CA that the stack made", _cacerts),
    Check("distributed-root", "Trust", "istiod gives proxies the stack's root", _distributed),
    Check("expiry", "Trust", "no certificate expires within 60 days", _dates),
    Check("proxy-certificate", "Trust", "sidecars have certificates of their mesh", _proxies),
    Check("distinct-trust-domains", "Trust", "no two meshes share a trust domain", _distinct),
]
