"""Peers reach the exported services and nothing else: a wildcard would pass every Service of the cluster through.

https://istio.io/latest/news/security/istio-security-2021-006/ (CVE-2021-31921)
"""

from collections.abc import Iterator, Mapping
from typing import Any

from inputs import plain
from manifests import makes_objects, mappings
from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

PEER_PORT = 15443
_LISTENER = "gateway.istio.io/listener-protocol"


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Look for servers and listeners wherever they stand: in a Gateway, a patch of one, a list, or a chart's values."""
    if not makes_objects(args.resource_type):
        return
    for path, value in mappings(plain(args.props)):
        for where, host in (*_server(value), *_listener(value)):
            report(f"{path}.{where}: must list the exported hosts one by one, has {host!r}", None)


def _server(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the wildcards of a server of Istio's Gateway for peers."""
    port, tls, hosts = value.get("port"), value.get("tls"), value.get("hosts")
    number = port.get("number") if isinstance(port, Mapping) else None
    passes_through = isinstance(tls, Mapping) and tls.get("mode") == "AUTO_PASSTHROUGH"
    if isinstance(hosts, list) and (str(number) == str(PEER_PORT) or passes_through):
        for host in hosts:
            if str(host).rpartition("/")[2].startswith("*"):  # a host may come after a namespace
                yield "hosts", str(host)


def _listener(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the wildcard of a listener of the Gateway API for peers; without a hostname it takes every host."""
    tls = value.get("tls")
    options = (tls.get("options") or {}) if isinstance(tls, Mapping) else {}
    passes_through = options.get(_LISTENER) == "auto-passthrough"
    is_one = value.get("protocol") in ("TLS", "HTTPS")  # a Service's port has TCP or UDP
    if passes_through or (is_one and str(value.get("port")) == str(PEER_PORT)):
        host = value.get("hostname") or "*"
        if str(host).startswith("*"):
            yield "hostname", str(host)


RULE = ResourceValidationPolicy(
    name="exact-peer-hosts",
    description=f"A Gateway on port {PEER_PORT} lists its hosts one by one.",
    validate=_validate,
)
