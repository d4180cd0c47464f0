"""Independent Istio meshes that answer as one: how data flows, from the configuration to the stack's outputs."""

import gc

import pulumi

from components import echo, outputs, preflight, settings
from components.clusters import kinds
from components.clusters.cluster import egress_addresses
from components.federation import joined, members, revisions
from components.federation.services import Federation, MadeHere
from components.mesh import charts, ingress, served, single_mesh
from components.mesh.joined_mesh import JoinedMesh
from components.mesh.mesh import Mesh
from components.mesh.revisions import ONE
from components.mesh.roles import roles
from components.trust.lists import revocation_lists
from components.trust.root import root_of_trust, signed_requests
from multimesh.contract import SAMPLE

# A run is short, and its memory goes with it: looking for cycles in it took a seventh of the time of many services
gc.disable()

# Settings: this stack's configuration, and the outputs of the stacks that it names
stack = settings.read()
preflight.check(stack)
federation = members.read(stack)
planes = joined.read(stack, federation)
installed = revisions.read(stack)
notes = [*preflight.notes(stack), *federation.notes, *joined.notes(planes), *installed.notes]
for note in [*stack.notes(), *notes]:
    pulumi.log.info(note)

# Root: one CA that all meshes trust, and the requests of other stacks' meshes that it signs
root = root_of_trust(stack.trust, federation.trusted, revokes=federation.revokes)
signed = signed_requests(root, stack.trust, federation.requests)

# Ingress: the hosts at HTTPS and their certificate
https = ingress.https(stack.ingress, stack.https_hosts, root, stack.trust.intermediate_days)

# Clusters: one for each mesh; its gateway admits all others
clusters = {
    name: kinds.make(name, mesh.cluster, flat=stack.flat, https=https is not None, adopt=mesh.istio.adopt)
    for name, mesh in stack.meshes.items()
}
for cluster in clusters.values():
    others = [other for other in clusters.values() if other is not cluster]
    cluster.admit(egress_addresses([*others, *federation.peers.values()]))

# Meshes: in each cluster an intermediate CA, a control plane, a gateway and the sample service
stack = federation.ready
parts = roles(
    stack.topology,
    list(stack.meshes),
    federation.trust_domains,
    {name: found.plane for name, found in planes.items()} | installed.planes,
)
authorities, meshes, samples = {}, {}, {}
for name, role in parts.items():
    if name in planes:
        authorities[name] = planes[name].certificates.found_ca()
    else:
        authorities[name] = authorities.get(role.primary) or root.issue(
            name, role.trust_domains, installed.of[name].named
        )
cas = [*dict.fromkeys(ca for name, ca in authorities.items() if name not in planes)]
earlier_lists = federation.last.get("root_revocation_lists") or ""
lists = revocation_lists(stack.trust, root, cas, federation.peer_lists, earlier_lists)
for name, role in parts.items():
    platform = charts.chosen(clusters[name].platform, stack.istio, stack.sample_image)
    meshes[name] = (JoinedMesh if name in planes else Mesh)(
        name,
        {
            "cluster": clusters[name],
            "platform": platform,
            "role": role,
            "ca": authorities[name],
            "control_planes": installed.of.get(name, ONE),
            "revocation_lists": lists.needed,
            "primary": meshes.get(role.primary),
            "served_from": served.networks(stack.topology, clusters) if role.serves else None,
            "networks": single_mesh.networks({name: cluster.exposure for name, cluster in clusters.items()}),
            "exports": stack.reached_through(name),
            "ingress_hosts": stack.ingress_hosts,
            "https": https,
            "https_port": ingress.https_port(https, {one: clusters[one].exposure for one in (name, *role.serves)}),
            "spanning": [service.local_host for service in stack.services],
            "suffix": stack.suffix,
            "cni": stack.meshes[name].istio.cni,
        },
    )
    if stack.sample:
        samples[name] = echo.Echo(f"{name}-echo", {"mesh": meshes[name], "image": platform.sample_image}).service
for name, role in parts.items():
    meshes[name].read_by([meshes[reader] for reader in role.read_by])

# Services: every mesh routes to every mesh that exports one
own = {f"{SAMPLE.name}.{SAMPLE.namespace}": MadeHere(samples, echo.WORKLOAD)}
exported = Federation(federation, meshes, own)

# Outputs: read by other stacks, `multimesh verify` and users
for name, value in outputs.stack_outputs(
    stack, federation, exported, root, lists, clusters, authorities, meshes, signed
).items():
    pulumi.export(name, value)
