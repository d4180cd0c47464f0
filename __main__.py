"""Independent Istio meshes that answer as one: how data flows, from the configuration to the stack's outputs."""

import pulumi

from components import echo, outputs, preflight, settings
from components.clusters import cluster as clusters
from components.clusters import kinds
from components.echo import Echo
from components.federation import members
from components.federation.service import FederatedService
from components.mesh import charts, roles, single_mesh
from components.mesh.mesh import Mesh
from components.trust import root as trust_root

# What the stack says, and what the stacks say that it names
stack = settings.read()
preflight.check(stack)
federation = members.read(stack)
for note in [*stack.notes(), *federation.notes]:
    pulumi.log.info(note)

# One root of trust
trust = stack.trust
root = trust_root.of(trust, federation.trusted)
issued = {name: root.issue(name, trust.issued_trust_domain(name)) for name in trust.issues}

# For each mesh: cluster, intermediate CA, control plane and gateway, sample service
made = {name: kinds.make(name, wanted.cluster, flat=stack.flat) for name, wanted in stack.meshes.items()}
authorities, meshes, samples = {}, {}, {}
for name, role in (parts := roles.roles(stack.topology, list(stack.meshes), federation.trust_domains)).items():
    platform = charts.chosen(made[name].platform, stack.istio, stack.sample_image)
    authorities[name] = authorities.get(role.primary) or root.issue(name, role.trust_domain)
    meshes[name] = Mesh(
        name,
        {
            "cluster": made[name],
            "platform": platform,
            "role": role,
            "ca": authorities[name],
            "primary": meshes.get(role.primary),
            "networks": single_mesh.networks({name: cluster.exposure for name, cluster in made.items()}),
            "exports": stack.reached_through(name),
            "ingress_hosts": [host for service in stack.services for host in service.ingress_hosts],
            "global_names": [service.global_name for service in federation.services],
            "spanning": [service.local_host for service in stack.services],
        },
    )
    if stack.sample:
        samples[name] = Echo(f"{name}-echo", {"mesh": meshes[name], "image": platform.sample_image}).service

# Control planes of one mesh learn of each other's pods
for name, role in parts.items():
    meshes[name].read_by([meshes[reader] for reader in role.read_by])

# Every gateway lets its peers in
for name, cluster in made.items():
    here = [peer for other, peer in made.items() if other != name]
    cluster.admit(clusters.egress_addresses([*here, *federation.peers.values()]))

# Every mesh's endpoint feeds every other mesh
for service in federation.services:
    FederatedService(
        f"{service.name}.{service.namespace}",
        {
            "service": service,
            "meshes": meshes,
            "peers": federation.peers,
            "trust_domains": federation.trust_domains,
            "made_here": samples if (service.name, service.namespace) == (echo.NAME, echo.NAMESPACE) else {},
        },
    )

# What others build on
for name, value in outputs.of(stack, federation, root, made, authorities, meshes, issued).items():
    pulumi.export(name, value)
