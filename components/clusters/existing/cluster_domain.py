"""The DNS domain of an existing cluster: the names of Services that the program writes end with cluster.local."""

import re
from collections.abc import Iterator

from components.clusters.existing.occupied import Read

_CONFIG = "/api/v1/namespaces/kube-system/configmaps/coredns"
_DOMAIN = "cluster.local"
_ZONES = re.compile(r"^[ \t]*kubernetes[ \t]+([^{}#\n]+?)[ \t]*\{?[ \t]*$", re.MULTILINE)
"""The zones of CoreDNS' plugin for Services: https://coredns.io/plugins/kubernetes/."""


def faults(read: Read) -> Iterator[str]:
    """Yield a line if CoreDNS says that it answers for other domains alone; where it does not say, nothing is known."""
    for config in read(_CONFIG):
        zones = [zone.rstrip(".") for line in _ZONES.findall(_corefile(config)) for zone in line.split()]
        domains = [zone for zone in zones if not zone.endswith(".arpa")]
        if domains and _DOMAIN not in domains:
            named = ", ".join(domains)
            yield (
                f"its DNS answers for Services in {named}, and not in {_DOMAIN} (ConfigMap kube-system/coredns): "
                f"multimesh and its Istio name them by {_DOMAIN}. Let CoreDNS answer for both (`kubernetes {_DOMAIN} "
                f"{' '.join(zones)}`), and call Services of the mesh by short names or by {_DOMAIN}"
            )


def _corefile(config: dict[str, dict[str, str]]) -> str:
    return (config.get("data") or {}).get("Corefile") or ""
