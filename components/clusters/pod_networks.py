"""Where the pods of clusters get their addresses, for a flat network, in which no two may have the same."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from itertools import combinations
from typing import TYPE_CHECKING

import yaml

from components.clusters import kubeconfig as kubeconfigs

if TYPE_CHECKING:
    from components.clusters.kinds import ClusterSettings


def of(settings: "ClusterSettings") -> list[str]:
    """Return a cluster's pod CIDRs as far as they are known before it is made; the lab gives each cluster its own.

    An existing cluster's are those that its nodes have; none for a network plugin that keeps them to itself.
    """
    if settings.kind == "existing":
        return _of_nodes(kubeconfigs.load(settings.kubeconfig, settings.context)[0])
    cidr = getattr(settings, "pod_cidr", None)
    return [cidr] if cidr else []


def overlaps(cidrs: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str, str, str]]:
    """Yield two clusters and their CIDRs for every pair of CIDRs that share addresses."""
    for (one, ours), (other, theirs) in combinations(cidrs.items(), 2):
        for cidr in ours:
            for peer in theirs:
                a, b = ip_network(cidr), ip_network(peer)
                if a.version == b.version and a.overlaps(b):
                    yield one, other, cidr, peer


def _of_nodes(kubeconfig: str, timeout: float = 10) -> list[str]:
    from kubernetes import client, config

    once = client.Configuration()
    once.retries = 0
    config.load_kube_config_from_dict(yaml.safe_load(kubeconfig), client_configuration=once)
    with client.ApiClient(once) as api:
        nodes = client.CoreV1Api(api).list_node(_request_timeout=timeout).items
    return sorted({cidr for node in nodes for cidr in (node.spec and node.spec.pod_cidrs) or []})
