"""The DNS domain of an existing cluster, which ends the names of its Services."""

import re
from collections.abc import Iterator

from components.clusters.existing.occupied import Read
from multimesh.hosts import CLUSTER_DOMAIN

_CONFIG = "/api/v1/namespaces/kube-system/configmaps/coredns"
_ZONES = re.compile(r"^[ \t]*kubernetes[ \t]+([^{}#\n]+?)[ \t]*\{?[ \t]*$", re.MULTILINE)
"""The zones of CoreDNS' plugin for Services: https://coredns.io/plugins/kubernetes/."""


def faults(read: Read, domain: str = CLUSTER_DOMAIN) -> Iterator[str]:
    """Yield a line if CoreDNS says that it answers for other domains alone; where it does not say, nothing is known."""
    for config in read(_CONFIG):
        zones = [zone.rstrip(".") for line in _ZONES.findall(_corefile(config)) for zone in line.split()]
        domains = [zone for zone in zones if not zone.endswith(".arpa")]
        if domains and domain not in domains:
            yield (
                f"its DNS answers for Services in {', '.join(domains)}, and not in {domain} (ConfigMap "
                f"kube-system/coredns): set cluster.dns_domain: {domains[0]} of the mesh"
            )


def _corefile(config: dict[str, dict[str, str]]) -> str:
    return (config.get("data") or {}).get("Corefile") or ""
