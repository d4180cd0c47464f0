"""Independent Istio meshes that answer as one: how data flows, from the configuration to the stack's outputs."""

import pulumi

from components import brought_root, charts, clusters, echo, istio, members, outputs, settings
from components.echo import Echo
from components.federation import FederatedService
from components.mesh import Mesh
from components.trust import RootCa
from components.trust_stack import TrustStack

# What the stack says, and what the stacks say that it names
stack = settings.read()
federation = members.read(stack)
for note in [*stack.notes(), *federation.notes]:
    pulumi.log.info(note)

# One root of trust
trust = stack.trust
if federation.trusted:
    root = TrustStack(federation.trusted)
else:
    root = RootCa(
        "root",
        {
            "validity_days": trust.root_days,
            "intermediate_days": trust.intermediate_days,
            "protect": trust.protect,
            "brought": trust.root
            and brought_root.load(trust.root.certificate, trust.root.key, trust.intermediate_days),
        },
    )
issued = {name: root.issue(name, trust.issued_trust_domain(name)) for name in trust.issues}

# For each mesh: cluster, intermediate CA, control plane and gateway, sample service
made, authorities, meshes, samples = {}, {}, {}, {}
for name, wanted in stack.meshes.items():
    cluster = made[name] = clusters.make(name, wanted.cluster)
    platform = charts.chosen(cluster.platform, stack.istio, stack.sample_image)
    ca = authorities[name] = root.issue(name, federation.trust_domains[name])
    meshes[name] = Mesh(
        name,
        {
            "cluster": cluster,
            "platform": platform,
            "ca": ca,
            "trust_domain": ca.trust_domain,
            "exports": [istio.local_host(service.name, service.namespace) for service in stack.exported_by(name)],
            "ingress_hosts": [host for service in stack.services for host in service.ingress_hosts],
            "global_names": [service.global_name(stack.suffix) for service in federation.services],
        },
    )
    if stack.sample:
        samples[name] = Echo(f"{name}-echo", {"mesh": meshes[name], "image": platform.sample_image}).service

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
            "suffix": stack.suffix,
            "meshes": meshes,
            "peers": federation.peers,
            "trust_domains": federation.trust_domains,
            "made_here": samples if (service.name, service.namespace) == (echo.NAME, echo.NAMESPACE) else {},
        },
    )

# What others build on
for name, value in outputs.of(stack, federation, root, made, authorities, meshes, issued).items():
    pulumi.export(name, value)
