"""Who may reach the API of a managed cluster, and that nothing older than the cloud's own identities opens it.

https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

_EVERYWHERE = "0.0.0.0/0"
Reached = Iterator[tuple[str, list[str]]]
"""An input, and the CIDRs that it lets reach the API."""


def google_networks(props: Mapping[str, Any]) -> Reached:
    """Return who reaches the public endpoint of a GKE cluster."""
    ip_endpoints = (props.get("controlPlaneEndpointsConfig") or {}).get("ipEndpointsConfig") or {}
    private = (props.get("privateClusterConfig") or {}).get("enablePrivateEndpoint")
    if private or ip_endpoints.get("enabled") is False:
        return
    networks = props.get("masterAuthorizedNetworksConfig")
    cidrs = [block["cidrBlock"] for block in networks.get("cidrBlocks") or []] if networks else [_EVERYWHERE]
    yield "masterAuthorizedNetworksConfig", cidrs


def of_eks(props: Mapping[str, Any]) -> Reached:
    """Return who reaches the public endpoint of an EKS cluster: everybody, if nothing is said."""
    network = props.get("vpcConfig") or {}
    if network.get("endpointPublicAccess") is not False:
        yield "vpcConfig.publicAccessCidrs", list(network.get("publicAccessCidrs") or [_EVERYWHERE])


_GOOGLE = {
    "enableLegacyAbac": "roles (RBAC) decide instead",
    "masterAuth.clientCertificateConfig.issueClientCertificate": "such a certificate cannot be revoked",
    "controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic": "no list of networks narrows this endpoint",
    "masterAuthorizedNetworksConfig.gcpPublicCidrsAccessEnabled": "all of Google's customers have these",
}


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != "gcp:container/cluster:Cluster":
        return
    for path, why in _GOOGLE.items():
        value: Any = args.props
        for key in path.split("."):
            value = (value or {}).get(key)
        if value:
            report(f"{path}: must be false, is {value}: {why}", None)


RULE = ResourceValidationPolicy(
    name="guarded-control-plane",
    description="A GKE cluster has no legacy ABAC, no client certificate, no endpoint without listed networks.",
    validate=_validate,
)
