"""Check of what istiod signs with at this moment, which may not be what the Secret `cacerts` holds."""

import base64
from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from multimesh.check.cluster import Cluster
from multimesh.check.control_planes import istiods, own
from multimesh.check.federation import Federation
from multimesh.check.result import Check, Problem, Severity
from multimesh.check.trust import WAIT, fingerprint, just_changed

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
                cause = (
                    f"istiod does not sign with the CA in the Secret cacerts ({fingerprint(ca)}): its own certificate, "
                    f"of {seen.certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC, is of another"
                )
                if ago := just_changed(federation, mesh):
                    yield Problem(where, cause + ago, WAIT, Severity.WARNING)
                else:
                    yield Problem(where, cause, _restart(cluster))


def _restart(cluster: Cluster) -> str:
    command = f"kubectl -n {cluster.plane.namespace} rollout restart deployment istiod{cluster.plane.suffix}"
    return f"{command}; its log says why it did not take the CA"


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
