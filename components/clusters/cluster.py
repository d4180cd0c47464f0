"""The base class of every kind of cluster, and what it tells a mesh."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NotRequired, Protocol, TypedDict, TypeVar

import pulumi
import pulumi_kubernetes as kubernetes

from components.clusters import adopted, interrupted
from components.istio import HTTPS_PORT, INGRESS_PORT, PEER_PORT
from components.objects import RELEASE
from components.versions import ISTIO_VERSION
from components.versions.digests import istio, pinned

PEER_NODE_PORT = 31443
INGRESS_NODE_PORT = 30080
HTTPS_NODE_PORT = 30443


@dataclass(frozen=True)
class Platform:
    """What Istio and the sample service need on a kind of cluster; the defaults are public charts and images."""

    charts: str = "https://istio-release.storage.googleapis.com/charts"
    """A Helm repository, or a folder that holds the charts base, cni, istiod and gateway."""
    version: str | None = ISTIO_VERSION
    """The charts' version; None for a folder."""
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Helm values by chart: base, cni, istiod, gateway."""
    sample_image: str = pinned(istio("app", ISTIO_VERSION))
    """An image of Istio's echo server."""


@dataclass(frozen=True)
class Exposure:
    """How clients and peers outside a cluster reach its gateway.

    `service` is the gateway Service's type. Peers connect to `port`, and clients to `ingress_port` and `https_port`:
    the node ports of a NodePort Service, unless a load balancer in front of the nodes forwards to `node_port`,
    `ingress_node_port` and `https_node_port`.
    Without an `address`, the program reads it from the Service's status once the load balancer exists.
    `service_values` are additional `service` values of the gateway's Helm chart, for the cloud's load balancer.
    """

    service: str = "LoadBalancer"
    address: pulumi.Input[str] | None = None
    port: int = PEER_PORT
    ingress_port: int = INGRESS_PORT
    node_port: int | None = None
    ingress_node_port: int | None = None
    https_port: int = HTTPS_PORT
    https_node_port: int | None = None
    service_values: Mapping[str, Any] = field(default_factory=dict)


S = TypeVar("S")


class ClusterArgs(TypedDict, Generic[S]):
    """The arguments of a cluster of any kind."""

    settings: S
    """The kind's settings: `cluster` of a mesh."""
    flat: bool
    """Whether pods must reach the pods of other clusters directly."""
    https: NotRequired[bool]
    """Whether the gateway takes HTTPS from outside."""
    adopt: NotRequired[bool]
    """Whether to take over what an Istio that is gone has left in it."""


class Cluster(pulumi.ComponentResource):
    """A cluster that a mesh can be installed in; each kind is a subclass that sets these attributes.

    The constructor of each kind takes `(name, args, opts)`, where `args` is `ClusterArgs` of the kind's settings.
    """

    kubeconfig: pulumi.Output[str]
    """YAML, a secret; its current context is this cluster."""
    provider: kubernetes.Provider
    exposure: Exposure
    platform: Platform
    lifetime: pulumi.Resource | None = None
    """The resource whose deletion deletes everything in the cluster; None for a cluster that outlives the stack."""
    ready: Sequence[pulumi.Resource] = ()
    """What must exist before anything else in the cluster: its pod network."""
    egress_addresses: Sequence[pulumi.Output[str]] | None = None
    """The source IP addresses of its requests, as peers see them; None if they are not known."""
    shows_clients: bool = False
    """Whether its gateway sees the addresses of clients without being told to, as nothing stands in between."""
    identifier: pulumi.Input[str] = ""
    """What stays the same as long as it is the same cluster."""
    adopts: bool = False
    """Whether the stack takes over what an Istio that is gone has left in it."""
    is_new: bool = False
    """Whether this very update created it: no earlier one left anything in it, and nobody else did."""
    skip_unreachable: bool = False
    """Whether a refresh keeps what the state says while the API server does not answer: the stack brings it back."""

    def kubernetes_provider(
        self,
        name: str,
        cluster_identifier: pulumi.Input[str],
        *,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> kubernetes.Provider:
        """Create the provider that uses the cluster's kubeconfig; `name` is the mesh.

        Another kubeconfig does not replace what is in the cluster, as long as `cluster_identifier` stays the same.
        Secrets and ConfigMaps are changed in place: istiod reads `cacerts` by its name.
        """
        self.identifier = cluster_identifier
        self._hooks = pulumi.ResourceHookBinding(
            before_create=[pulumi.ResourceHook(f"{name}-before-create", self._before_create)],
            before_update=[pulumi.ResourceHook(f"{name}-before-update", self._before_update)],
        )
        return kubernetes.Provider(
            f"{name}-kubernetes",
            kubeconfig=self.kubeconfig,
            cluster_identifier=cluster_identifier,
            enable_secret_mutable=True,
            enable_config_map_mutable=True,
            skip_update_unreachable=self.skip_unreachable or None,
            upsert_existing_objects=True,  # of what this stack created: _before_create refuses everything else
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(depends_on)),
        )

    @property
    def seen_from_beside(self) -> Sequence[pulumi.Output[str]] | None:
        """The source IP addresses of its pods and API server, as other clusters of its mesh see them; None: unknown."""
        return self.egress_addresses

    def when_created(self, name: str) -> pulumi.ResourceHookBinding:
        """Return the hook of the resource that creates the cluster, all of it; `name` is the mesh."""
        return pulumi.ResourceHookBinding(after_create=[pulumi.ResourceHook(f"{name}-created", self._created)])

    def admit(self, peers: Sequence[pulumi.Output[str]] | None) -> None:
        """Allow these IP addresses to reach the gateway's peer port; None allows everyone.

        The program calls this once, after it has created every cluster. A kind without a packet filter does nothing.
        """

    def child_options(
        self, parent: pulumi.Resource, depends_on: list[pulumi.Resource] | None = None, *, outlives: bool = False
    ) -> pulumi.ResourceOptions:
        """Return the options of a Kubernetes object in this cluster.

        Set `outlives` for an object that owns something outside the cluster: Pulumi then deletes the object itself
        instead of relying on the deletion of the cluster.
        """
        lifetime = None if outlives else self.lifetime
        return pulumi.ResourceOptions(
            parent=parent,
            provider=self.provider,
            depends_on=[*self.ready, *(depends_on or ())],
            deleted_with=lifetime,
            hooks=self._hooks,
        )

    def _created(self, _: pulumi.ResourceHookArgs) -> None:
        self.is_new = True

    async def _before_create(self, args: pulumi.ResourceHookArgs) -> None:
        """Take over what an interrupted update of this stack created, and refuse what somebody else did."""
        if self.is_new:
            return
        kubeconfig, provider = await self.kubeconfig.future(), await self.provider.id.future()
        if kubeconfig and provider and args.new_inputs and args.type.startswith("kubernetes:"):
            own = self.lifetime is not None
            if self.adopts:
                taken = await asyncio.to_thread(adopted.take_over, kubeconfig, args.type, args.new_inputs)
                _say(args.name, taken)
                if taken and args.type != RELEASE:
                    return
            found = await asyncio.to_thread(
                interrupted.make_way, kubeconfig, args.type, args.new_inputs, provider, own=own
            )
            _say(args.name, found)

    async def _before_update(self, args: pulumi.ResourceHookArgs) -> None:
        """Let Helm upgrade a release whose last operation was interrupted."""
        kubeconfig = await self.kubeconfig.future()
        if kubeconfig and args.new_inputs and args.type == RELEASE:
            _say(args.name, await asyncio.to_thread(interrupted.unblock, kubeconfig, args.new_inputs))


def _say(resource: str, found: str) -> None:
    if found:
        pulumi.log.info(f"{resource}: {found}")


class Requester(Protocol):
    """A cluster, or another stack's mesh, that sends requests to gateways."""

    @property
    def egress_addresses(self) -> Sequence[pulumi.Output[str]] | None:
        """The source IP addresses of its requests; None if they are not known."""
        ...


def egress_addresses(peers: Iterable[Requester]) -> list[pulumi.Output[str]] | None:
    """Return the source addresses of all peers' requests; None if those of at least one peer are not known."""
    addresses = []
    for peer in peers:
        if peer.egress_addresses is None:
            return None
        addresses += peer.egress_addresses
    return addresses
