"""Peers reach the exported services and nothing else: a wildcard would pass every Service of the cluster through.

https://istio.io/latest/news/security/istio-security-2021-006/ (CVE-2021-31921)
"""

from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

PEER_PORT = 15443


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    group, _, kind = args.resource_type.rpartition(":")
    if kind != "Gateway" or not group.startswith("kubernetes:networking.istio.io/"):
        return
    for index, server in enumerate(args.props["spec"].get("servers") or []):
        passes_through = (server.get("tls") or {}).get("mode") == "AUTO_PASSTHROUGH"
        if server["port"]["number"] == PEER_PORT or passes_through:
            for host in server.get("hosts") or []:
                if host.rpartition("/")[2].startswith("*"):  # a host may come after a namespace
                    report(f"spec.servers[{index}].hosts: must list the exported hosts one by one, has {host!r}", None)


RULE = ResourceValidationPolicy(
    name="exact-peer-hosts",
    description=f"A Gateway on port {PEER_PORT} lists its hosts one by one.",
    validate=_validate,
)
