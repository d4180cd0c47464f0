"""A mesh whose control plane somebody else runs: multimesh adds a gateway of its own, and what it forwards to."""

import pulumi

from components import istio
from components.clusters.cluster import Exposure
from components.mesh import charts
from components.mesh.mesh import Mesh, MeshArgs
from components.objects import OWNER


class JoinedMesh(Mesh):
    """The gateway of one mesh, beside a control plane that is left alone."""

    def _install(self, args: MeshArgs) -> pulumi.Resource:  # noqa: ARG002  as a Mesh
        return self.cluster.provider

    def _gateway_values(self, exposure: Exposure) -> charts.Values:
        # By its pods' annotation the release is known as this stack's, whose namespace it is not.
        values: charts.Values = {"podAnnotations": {OWNER: self.cluster.provider.id}}
        return charts.merged(super()._gateway_values(exposure), values)

    def _configure(self, args: MeshArgs) -> None:
        ports = [istio.INGRESS_PORT, *([istio.HTTPS_PORT] if args["https"] else [])]
        closed = istio.gateway_ports(self.trust_domains, ports, self.role.plane.gateway_selector)
        self._policy("AuthorizationPolicy", "gateway-ports", istio.GATEWAY_PORTS, closed)
        self._forward(args)

    @property
    def _namespace_name(self) -> pulumi.Input[str]:
        return self.role.plane.root_namespace
