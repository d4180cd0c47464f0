"""The stack's outputs: the contract on which `multimesh verify`, other stacks and users build."""

from collections.abc import Mapping
from typing import Any

from components.clusters import Cluster
from components.mesh import Mesh
from components.settings import Settings
from components.trust import IntermediateCa, RootCa


def of(
    stack: Settings,
    root: RootCa,
    clusters: Mapping[str, Cluster],
    authorities: Mapping[str, IntermediateCa],
    meshes: Mapping[str, Mesh],
) -> dict[str, Any]:
    """Return the outputs by name; the README lists them."""
    return {
        "meshes": {name: _mesh(mesh, authorities[name]) for name, mesh in meshes.items()},
        "root_ca": root.certificate_pem,
        "root_ca_fingerprint": root.fingerprint,
        "services": {service.global_name(stack.suffix): service.meshes for service in stack.services},
        "kubeconfigs": {name: cluster.kubeconfig for name, cluster in clusters.items()},
    }


def _mesh(mesh: Mesh, authority: IntermediateCa) -> dict[str, Any]:
    return {
        "ingress_url": mesh.ingress_url,
        "gateway_address": mesh.gateway_address,
        "gateway_port": mesh.gateway_port,
        "trust_domain": mesh.trust_domain,
        "ca_expires": authority.expires,
    }
