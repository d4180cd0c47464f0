"""Writing the stack's outputs: they have the names and shapes of `multimesh.contract.StackOutputs`.

Values are Pulumi outputs here, so no model can hold them; unit tests validate the program's outputs with the model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.clusters.cluster import Cluster
from components.federation.availability import AvailableService
from components.federation.members import Members, root_owner
from components.federation.peers import PeerMesh
from components.federation.services import Federation
from components.mesh.mesh import Mesh
from components.mesh.topology import SingleMesh, Topology
from components.settings import Settings
from components.settings.ingress import is_within
from components.trust import revocation
from components.trust.absent_root import AbsentRoot
from components.trust.ca import IntermediateCa, RootCa, SignedRequest
from components.trust.found_ca import FoundCa
from components.trust.lists import RevocationLists
from components.trust.requested_ca import IssuedCa
from components.trust.root import roots

Ca = IntermediateCa | IssuedCa | FoundCa


def stack_outputs(
    stack: Settings,
    federation: Members,
    exported: Federation,
    root: RootCa | AbsentRoot,
    lists: RevocationLists,
    clusters: Mapping[str, Cluster],
    authorities: Mapping[str, Ca],
    meshes: Mapping[str, Mesh],
    signed: Mapping[str, SignedRequest],
) -> dict[str, Any]:
    """Return the outputs by name, as a `contract.StackOutputs`.

    Peers read a mesh's own exports (`meshes.<name>.exports`), never `services`. `services` also has the exports of
    peers, so a peer would read its own exports as those of this stack.
    """
    services = exported.services
    accepted = sorted({domain for mesh in meshes.values() for domain in (*mesh.trust_domains, *mesh.role.federated)})
    outputs = {
        "meshes": {
            name: _mesh(mesh, stack.meshes[name].cluster.kind, authorities[name], _exports_of(services, name))
            for name, mesh in meshes.items()
        },
        "suffix": stack.suffix,
        "accepted_trust_domains": accepted,
        "root_ca_owner": root_owner(stack),
        "revocation_lists": lists.of_cas,
        "root_revocation_lists": lists.of_roots,
        "services": services.apply(lambda found: {one.service.global_name: one.service.weights for one in found}),
        "probes": services.apply(probes),
        "preferences": services.apply(preferences),
        "exposure": exported.exposure,
        "one_mesh": stack.topology.kind != "multi-mesh",
        "topology": form(stack.topology),
        "peers": {name: _peer(peer) for name, peer in federation.peers.items()},
        "kubeconfigs": {name: cluster.kubeconfig for name, cluster in clusters.items()},
    }
    if root.certificate_pem is not None:  # that of another stack may not be known yet
        outputs["root_ca"] = root.certificate_pem
        outputs["root_cas"] = roots(stack.trust, root)
        outputs["root_ca_fingerprint"] = root.fingerprint
        outputs["root_ca_expires"] = root.expires
    if root.requests:
        outputs["requests"] = dict(root.requests)
    if issues := stack.trust.issues:
        outputs["certificates"] = {
            name: _certificate(stack.trust.issued_trust_domains(name), signed.get(name)) for name in issues
        }
    if stack.ingress:
        outputs["https"] = {
            "hosts": https_hosts(stack),
            "signed_by_root": stack.ingress.tls.issuer == "root",
            "redirect": stack.ingress.redirect,
        }
    return outputs


def https_hosts(stack: Settings) -> dict[str, str]:
    """Return the global name of the service that each host of HTTPS leads to: the one with the longest match."""
    leading = {host: service.global_name(stack.suffix) for service in stack.services for host in service.ingress_hosts}
    return {
        host: leading[max((other for other in leading if is_within(host, other)), key=len)]
        for host in stack.https_hosts
    }


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


def preferences(services: Sequence[AvailableService]) -> dict[str, Any]:
    """Return the `contract.Prefer` of each service, by global name, without those that answer by weight."""
    return {one.service.global_name: one.service.prefer for one in services if one.service.prefer != "weights"}


def form(topology: Topology) -> dict[str, str | None]:
    """Return how clusters form meshes, as a `contract.Form`."""
    if isinstance(topology, SingleMesh):
        return {"kind": topology.kind, "network": topology.network, "primary": topology.primary}
    return {"kind": topology.kind}


def _peer(peer: PeerMesh) -> dict[str, Any]:
    """Return a mesh of another stack, as a `contract.PeerGateway`."""
    return {
        "stack": peer.stack,
        "gateway_address": peer.gateway_address,
        "gateway_port": peer.gateway_port,
        "trust_domain": peer.trust_domains[0],
    }


def _exports_of(services: pulumi.Output[Sequence[AvailableService]], mesh: str) -> pulumi.Output[dict[str, Any]]:
    return services.apply(lambda found: exports(found, mesh))


def _mesh(mesh: Mesh, cluster: str, authority: Ca, exports: pulumi.Output[dict[str, Any]]) -> dict[str, Any]:
    return {
        "ingress_url": mesh.ingress_url,
        **({"https_url": mesh.https_url} if mesh.https_url else {}),
        "gateway_address": mesh.gateway_address,
        "gateway_port": mesh.gateway_port,
        "trust_domain": mesh.role.trust_domain,
        "trust_domain_aliases": list(mesh.role.aliases),
        "control_plane": mesh.role.plane.model_dump(),
        "ca_expires": authority.expires,
        "ca_serial": authority.certificate_pem.apply(revocation.serial_of),
        "ca_generation": authority.generation,
        "cluster": cluster,
        "egress_addresses": mesh.cluster.egress_addresses,
        "exports": exports,
    }


def _certificate(trust_domains: Sequence[str], signed: SignedRequest | None) -> dict[str, Any]:
    """Return the CA of another stack's mesh, as a `contract.Certificate`."""
    domains = {"trust_domain": trust_domains[0], "trust_domain_aliases": list(trust_domains[1:])}
    if signed is None:
        return domains
    return {
        **domains,
        "certificate": signed.certificate_pem,
        "chain": signed.between_pem,
        "expires": signed.expires,
    }
