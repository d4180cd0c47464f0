"""Writing the stack's outputs: they have the names and shapes of `multimesh.contract.StackOutputs`.

Values are Pulumi outputs here, so no model can hold them; unit tests validate the program's outputs with the model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.clusters.cluster import Cluster
from components.federation.availability import AvailableService
from components.federation.members import root_owner
from components.mesh.mesh import Mesh
from components.settings import Settings
from components.trust.ca import IntermediateCa, RootCa
from components.trust.trust_stack import IssuedCa, TrustStack

Ca = IntermediateCa | IssuedCa


def stack_outputs(
    stack: Settings,
    services: pulumi.Output[Sequence[AvailableService]],
    root: RootCa | TrustStack,
    clusters: Mapping[str, Cluster],
    authorities: Mapping[str, Ca],
    meshes: Mapping[str, Mesh],
    issued: Mapping[str, Ca],
) -> dict[str, Any]:
    """Return the outputs by name, as a `contract.StackOutputs`.

    Peers read a mesh's own exports (`meshes.<name>.exports`), never `services`. `services` also has the exports of
    peers, so a peer would read its own exports as those of this stack.
    """
    accepted = sorted({domain for mesh in meshes.values() for domain in (*mesh.trust_domains, *mesh.role.federated)})
    outputs = {
        "meshes": {name: _mesh(mesh, authorities[name], _exports_of(services, name)) for name, mesh in meshes.items()},
        "suffix": stack.suffix,
        "accepted_trust_domains": accepted,
        "root_ca": root.certificate_pem,
        "root_ca_fingerprint": root.fingerprint,
        "root_ca_expires": root.expires,
        "root_ca_owner": root_owner(stack),
        "services": services.apply(lambda found: {one.service.global_name: one.service.weights for one in found}),
        "probes": services.apply(probes),
        "one_mesh": stack.topology.kind != "multi-mesh",
        "kubeconfigs": {name: cluster.kubeconfig for name, cluster in clusters.items()},
    }
    if issued:
        outputs["intermediates"] = pulumi.Output.secret({name: _intermediate(ca) for name, ca in issued.items()})
    return outputs


def exports(services: Sequence[AvailableService], mesh: str) -> dict[str, dict[str, Any]]:
    """Return the services that a mesh of this stack exports, by global name, each as a `contract.Export`."""
    return {
        one.service.global_name: {
            "port": next(iter(one.service.ports)),
            "ports": {str(number): protocol for number, protocol in one.workloads[mesh].protocols.items()},
            "weight": one.service.weights[mesh],
            "service_account": one.service.service_account,
        }
        for one in services
        if mesh in one.workloads
    }


def probes(services: Sequence[AvailableService]) -> dict[str, dict[str, Any]]:
    """Return how `multimesh verify` may call each service, by global name, each as a `contract.Probe`."""
    return {
        one.service.global_name: {
            "ports": {str(port.number): port.protocol for port in one.ports},
            "prefer": one.service.prefer,
        }
        for one in services
        if one.service.probe
    }


def _exports_of(services: pulumi.Output[Sequence[AvailableService]], mesh: str) -> pulumi.Output[dict[str, Any]]:
    return services.apply(lambda found: exports(found, mesh))


def _mesh(mesh: Mesh, authority: Ca, exports: pulumi.Output[dict[str, Any]]) -> dict[str, Any]:
    return {
        "ingress_url": mesh.ingress_url,
        "gateway_address": mesh.gateway_address,
        "gateway_port": mesh.gateway_port,
        "trust_domain": mesh.role.trust_domain,
        "trust_domain_aliases": list(mesh.role.aliases),
        "ca_expires": authority.expires,
        "egress_addresses": mesh.cluster.egress_addresses,
        "exports": exports,
    }


def _intermediate(ca: Ca) -> dict[str, Any]:
    """Return the CA of another stack's mesh, as a `contract.Intermediate`."""
    return {
        "certificate": ca.certificate_pem,
        "private_key": ca.private_key_pem,
        "trust_domain": ca.trust_domains[0],
        "trust_domain_aliases": list(ca.trust_domains[1:]),
        "expires": ca.expires,
    }
