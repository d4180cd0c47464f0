"""Check of what istiod signs with at this moment, which may not be what the Secret `cacerts` holds."""

import base64
from collections.abc import Iterable
from datetime import timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from multimesh.check.cluster import Cluster
from multimesh.check.control_planes import istiods, own
from multimesh.check.federation import Federation
from multimesh.check.result import Check, Problem, Severity
from multimesh.check.trust import fingerprint

_BROUGHT_WITHIN = timedelta(minutes=3)
"""kubelet brings a changed Secret to a pod within its period of synchronization and its cache's age, a minute each:
https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets-as-files-from-a-pod"""
_PROVIDER = "PILOT_CERT_PROVIDER"


def _signs(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in own(federation):
        try:
            ca = x509.load_pem_x509_certificate(base64.b64decode(cluster.cacerts.get("ca-cert.pem", "")))
        except ValueError:
            continue  # the check of cacerts says so
        if provider := _other_provider(cluster):
            cause = f"what istiod signs with cannot be seen: its own certificate is from elsewhere ({provider})"
            yield Problem(mesh, cause, "compare the certificate of a workload with cacerts", Severity.UNKNOWN)
            continue
        for seen in federation.presented.get(mesh, ()):
            where = f"{mesh}, pod {seen.pod}"
            if seen.certificate is None:
                cause = f"what istiod signs with cannot be seen: {seen.trouble}"
                yield Problem(where, cause, "see its log", Severity.UNKNOWN)
            elif not _is_issuer(ca, seen.certificate):
                yield _unread(federation, cluster, where, ca, seen.certificate)


def _unread(
    federation: Federation, cluster: Cluster, where: str, ca: x509.Certificate, seen: x509.Certificate
) -> Problem:
    cause = (
        f"istiod does not sign with the CA in the Secret cacerts ({fingerprint(ca)}): its own certificate, of "
        f"{seen.not_valid_before_utc:%Y-%m-%d %H:%M} UTC, is of another"
    )
    changed = cluster.cacerts_changed
    if changed and federation.now - changed < _BROUGHT_WITHIN:
        ago = round((federation.now - changed).total_seconds())
        cause += f"; the Secret was changed {ago} s ago"
        return Problem(where, cause, "look again: kubelet brings it to istiod within two minutes", Severity.WARNING)
    restart = f"kubectl -n {cluster.plane.namespace} rollout restart deployment istiod{cluster.plane.suffix}"
    return Problem(where, cause, f"{restart}; its log says why it did not take it")


def _is_issuer(ca: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _other_provider(cluster: Cluster) -> str:
    """Return the setting by which istiod does not sign its own certificate; empty if it does."""
    for deployment in istiods(cluster):
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            for variable in container.get("env") or []:
                if variable["name"] == _PROVIDER and variable.get("value", "istiod") != "istiod":
                    return f"{_PROVIDER}: {variable['value']}"
    return ""


CHECKS = [Check("signing-ca", "Trust", "istiod signs with the CA in cacerts", _signs)]
