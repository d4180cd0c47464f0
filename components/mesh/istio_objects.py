"""The Istio objects that apply to one mesh: who may call its gateway, and what it forwards to."""

from collections.abc import Sequence

import pulumi

from components import istio
from components.clusters.cluster import Cluster
from components.mesh import ingress, primary_remote
from components.mesh.ingress import Https
from components.mesh.roles import Role
from components.objects import KubernetesObject


class IstioObjects:
    """Creates them in the mesh's cluster, after its control plane, which validates them."""

    def __init__(
        self, component: pulumi.Resource, name: str, cluster: Cluster, role: Role, control_plane: pulumi.Resource
    ) -> None:
        self._component, self._name, self._cluster, self._role = component, name, cluster, role
        self._control_plane = control_plane

    def add(
        self, kind: str, suffix: str, name: str, spec: istio.Spec, after: Sequence[pulumi.Resource] = ()
    ) -> KubernetesObject:
        """Create one; `suffix` is the end of its name in Pulumi. A Gateway is one of the mesh's own gateway."""
        if kind == "Gateway":
            spec = {**spec, "selector": self._role.plane.gateway_selector}
        return KubernetesObject(
            f"{self._name}-{suffix}",
            istio.API_VERSIONS[kind],
            kind,
            metadata={"name": name, "namespace": self._role.plane.root_namespace},
            spec=spec,
            opts=self._cluster.child_options(self._component, [self._control_plane, *after]),
        )

    def forward_peers(self, exports: Sequence[str]) -> None:
        """Let peers reach these Services, by their host name in the cluster, and no other."""
        if exports:
            self.add("Gateway", "peer-gateway", istio.PEER_GATEWAY, istio.peer_gateway(exports))

    def forward_ingress(
        self, hosts: Sequence[str], https: Https | None, https_port: int, gateway: Sequence[pulumi.Resource]
    ) -> None:
        """Accept requests from outside for these hosts; with HTTPS, once the gateway has the certificate."""
        if not hosts:
            return
        # Plain HTTP is redirected before its own Gateway takes none of it, so that no request finds a closed port.
        first = self._redirect(hosts, https_port) if https and https.redirect else []
        first += gateway if https else []
        self.add("Gateway", "ingress-gateway", istio.INGRESS_GATEWAY, ingress.gateway(hosts, https), first)

    def serve_istiod(self) -> list[pulumi.Resource]:
        """Let other clusters of the same mesh reach its istiod through the gateway."""
        route = primary_remote.istiod_route(f"{istio.NAMESPACE}/istiod")
        return [
            self.add("Gateway", "istiod-gateway", "istiod", primary_remote.istiod_gateway()),
            self.add("VirtualService", "istiod-route", "istiod", route),
        ]

    def _redirect(self, hosts: Sequence[str], https_port: int) -> list[pulumi.Resource]:
        """Create the objects that send plain HTTP to HTTPS."""
        gateway = self.add("Gateway", "redirect-gateway", ingress.REDIRECT, istio.ingress_gateway(hosts))
        route = ingress.redirect(https_port, self._role.plane.root_namespace)
        return [self.add("VirtualService", "redirect", ingress.REDIRECT, route, [gateway])]
