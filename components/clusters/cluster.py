"""Kubernetes clusters: every kind gives the same shape."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pulumi
import pulumi_kubernetes as kubernetes

from components.istio import INGRESS_PORT, PEER_PORT

PEER_NODE_PORT = 31443
INGRESS_NODE_PORT = 30080


@dataclass(frozen=True)
class Platform:
    """What Istio and the sample service need on a kind of cluster; the defaults are public charts and images."""

    charts: str = "https://istio-release.storage.googleapis.com/charts"
    """A Helm repository, or a folder that holds the charts base, istiod and gateway."""
    version: str | None = "1.31.0"
    """The charts' version; None for a folder."""
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Helm values by chart: base, istiod, gateway."""
    sample_image: str = "registry.istio.io/release/app:1.31.0"
    """An image of Istio's echo server."""


@dataclass(frozen=True)
class Exposure:
    """How a cluster lets the world and its peers reach the gateway.

    `service` is the gateway Service's type. `port` and `ingress_port` are what is reached from outside: a NodePort
    Service's own, unless something in front of the nodes leads to `node_port` and `ingress_node_port`. Without an
    `address` it is read from the Service's status, once the load balancer is there.
    `service_values` are more of the gateway chart's `service` values: what the cloud's load-balancer controller wants.
    """

    service: str = "LoadBalancer"
    address: pulumi.Input[str] | None = None
    port: int = PEER_PORT
    ingress_port: int = INGRESS_PORT
    node_port: int | None = None
    ingress_node_port: int | None = None
    service_values: Mapping[str, Any] = field(default_factory=dict)


class Cluster(pulumi.ComponentResource):
    """A cluster that a mesh can be installed in; each kind is a subclass that sets these."""

    kubeconfig: pulumi.Output[str]
    """Secret YAML; its current context is this cluster."""
    provider: kubernetes.Provider
    exposure: Exposure
    platform: Platform
    lifetime: pulumi.Resource | None = None
    """What everything in the cluster ceases to exist with; None for a cluster that outlives the stack."""
    ready: Sequence[pulumi.Resource] = ()
    """What must be there before anything else in it: its pod network."""
    egress_addresses: Sequence[pulumi.Output[str]] | None = None
    """The IP addresses that its requests come from, as peers see them; None where they are not known."""

    def admit(self, peers: Sequence[pulumi.Output[str]] | None) -> None:
        """Let these IP addresses, or with None everyone, reach the gateway's peer port.

        Called once, when every cluster of the stack is made. A kind without a packet filter has nothing to do.
        """

    def child_options(
        self, parent: pulumi.Resource, depends_on: list[pulumi.Resource] | None = None, *, outlives: bool = False
    ) -> pulumi.ResourceOptions:
        """Return the options of a Kubernetes object in this cluster; what owns something outside it `outlives` it."""
        lifetime = None if outlives else self.lifetime
        return pulumi.ResourceOptions(
            parent=parent, provider=self.provider, depends_on=[*self.ready, *(depends_on or ())], deleted_with=lifetime
        )


class Requester(Protocol):
    """A cluster, or another stack's mesh, that sends requests to gateways."""

    @property
    def egress_addresses(self) -> Sequence[pulumi.Output[str]] | None:
        """The IP addresses that its requests come from; None where they are not known."""
        ...


def egress_addresses(peers: Iterable[Requester]) -> list[pulumi.Output[str]] | None:
    """Return every address that these peers' requests come from; None if one of them does not know its own."""
    addresses = []
    for peer in peers:
        if peer.egress_addresses is None:
            return None
        addresses += peer.egress_addresses
    return addresses
