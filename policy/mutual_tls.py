"""No workload takes plaintext because mutual TLS was turned off.

https://istio.io/latest/docs/reference/config/security/peer_authentication/
"""

from manifests import objects
from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    for found in objects(args):
        if found.kind != "PeerAuthentication":
            continue
        modes = {"mtls": found.spec.get("mtls")}
        modes |= {f"portLevelMtls.{port}": mode for port, mode in (found.spec.get("portLevelMtls") or {}).items()}
        for where, mode in modes.items():
            if (mode or {}).get("mode") == "DISABLE":
                report(f"{found.path}spec.{where}.mode: must not be DISABLE: STRICT refuses plaintext", None)


RULE = ResourceValidationPolicy(
    name="mutual-tls",
    description="No PeerAuthentication disables mutual TLS.",
    validate=_validate,
)
