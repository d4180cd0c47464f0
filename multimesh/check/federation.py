"""Everything that checks look at: the stack's outputs and state, its live clusters, and calls. Read once."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from multimesh.check import analysis
from multimesh.check.analysis import Message
from multimesh.check.calls import Caller, call, sample_port
from multimesh.check.cluster import Cluster, in_parallel, is_ready, read_cluster
from multimesh.check.handshake import Handshake, shake_hands
from multimesh.check.istiod_certificate import Presented, presented
from multimesh.check.machine import Machine, read_machine
from multimesh.check.made import Made
from multimesh.check.refusals import refusing, sample_of
from multimesh.connection import UnreachableError, connected
from multimesh.contract import SAMPLE, VerifyMeshOutputs, VerifyOutputs
from multimesh.hosts import CLUSTER_DOMAIN, local_host
from multimesh.proxies.cluster import Proxy, proxies
from multimesh.stack import OutputsError
from multimesh.verify.inside import InsideError, echo_pod
from multimesh.verify.selection import Port, select

_Seen = TypeVar("_Seen")
_MOST_HANDSHAKES = 40
"""With one gateway."""
_AT_ONCE = 4
"""How many processes of istioctl, each of 100 MB."""


@dataclass(frozen=True)
class Federation:
    """A stack as it should be, and as it is. Meshes of other stacks are seen by calls alone."""

    outputs: VerifyOutputs
    made: Made
    services: Mapping[str, Sequence[Port]]
    """The ports of the chosen services, by global name."""
    clusters: Mapping[str, Cluster]
    """By mesh, the clusters that answered."""
    silent: Mapping[str, str]
    """By mesh, why its cluster does not answer."""
    callers: Mapping[str, Caller]
    """By calling mesh, what a pod of the sample in it sees."""
    gateways: Mapping[str, Mapping[str, Handshake]]
    """By mesh, what its gateway presents for each SNI: those of exported ports, and one that is not exported."""
    now: datetime
    proxies: Mapping[str, Sequence[Proxy] | str] = field(default_factory=dict)
    """By mesh, every running proxy, or why they cannot be seen; asked if a CA is revoked, or a rotation under way."""
    analyses: Mapping[str, Sequence[Message] | str] | None = field(default_factory=dict)
    """By mesh with a control plane, what istioctl says, or why it cannot be asked; None without istioctl."""
    machine: Machine | None = None
    """What is on this machine; None without clusters here."""
    presented: Mapping[str, Sequence[Presented]] = field(default_factory=dict)
    """By mesh with a control plane, what its istiod presents to proxies."""

    def exporters(self, service: str) -> list[str]:
        """Return the meshes of this stack that export a service and whose clusters answer."""
        return [mesh for mesh in self.outputs.services.get(service, {}) if mesh in self.clusters]

    def exported(self, mesh: str) -> list[Port]:
        """Return the ports of the chosen services that a mesh exports."""
        return [port for ports in self.services.values() for port in ports if mesh in port.weights]


def own_host(service: str, domain: str = CLUSTER_DOMAIN) -> str:
    """Return the name that a service (global name) has in its own cluster, which has this domain."""
    name, namespace, _ = service.split(".", 2)
    return local_host(name, namespace, domain)


def not_exported(mesh: VerifyMeshOutputs) -> str:
    """Return the server name of a Service that every cluster has, and that none exports."""
    return f"outbound_.443_._.{local_host('kubernetes', 'default', mesh.control_plane.cluster_domain)}"


def sni(port: Port) -> str:
    """Return the server name by which a gateway finds a port of a service."""
    return f"outbound_.{port.number}_._.{own_host(port.service)}"


def read_federation(
    outputs: VerifyOutputs,
    made: Made,
    names: Sequence[str],
    callers: Sequence[str],
    progress: Callable[[str], None],
) -> Federation:
    """Look at everything, all meshes at the same time.

    `names` chooses services by their global names or `<name>.<namespace>` (none: all), `callers` the meshes that call
    (none: all). Raises OutputsError when a name is unknown.
    """
    if unknown := sorted(set(callers) - outputs.meshes.keys()):
        raise OutputsError(f"no mesh {unknown[0]}: the stack has {', '.join(outputs.meshes)}")
    services = _ports(outputs, names)
    namespaces = sorted({SAMPLE.namespace, *(service.split(".")[1] for service in outputs.services)})
    meshes = list(outputs.meshes)
    progress(f"reading {len(meshes)} clusters")
    read = _of_each(meshes, lambda mesh: _read(outputs, mesh, namespaces))
    clusters = {mesh: found for mesh, found in read.items() if isinstance(found, Cluster)}
    ports = [port for found in services.values() for port in found]
    calling = [mesh for mesh in clusters if not callers or mesh in callers]
    progress(f"calling {len(ports)} ports from {', '.join(calling) or 'nowhere'}")
    asked = list(clusters) if outputs.root_revocation_lists or len(outputs.root_cas) > 1 else []
    planes = [mesh for mesh, cluster in clusters.items() if not cluster.is_served]
    analysing = planes if analysis.is_installed() else []
    shaking = meshes if outputs.topology is None or outputs.topology.by_gateways else []
    called, shaken, running, analysed, machine, signed = in_parallel(
        [
            lambda: _of_each(
                calling, lambda mesh: _call(outputs, mesh, ports, _refusing(outputs, made, clusters, mesh, ports))
            ),
            lambda: _of_each(shaking, lambda mesh: _shake(outputs, mesh, ports)),
            lambda: _of_each(asked, lambda mesh: _proxies(outputs, mesh)),
            lambda: _of_each(analysing, lambda mesh: _analyze(outputs, mesh, list(clusters)), _AT_ONCE),
            lambda: read_machine(made),
            lambda: _of_each(planes, lambda mesh: _presented(outputs, mesh, clusters[mesh])),
        ]
    )
    return Federation(
        outputs,
        made,
        services,
        clusters,
        {mesh: found for mesh, found in read.items() if isinstance(found, str)},
        called,
        shaken,
        datetime.now(UTC),
        running,
        analysed if analysis.is_installed() else None,
        machine,
        signed,
    )


def _of_each(meshes: Sequence[str], look: Callable[[str], _Seen], at_once: int | None = None) -> dict[str, _Seen]:
    """Look at meshes at the same time, or so many at once; return what is seen of each."""
    return dict(zip(meshes, in_parallel([lambda mesh=mesh: look(mesh) for mesh in meshes], at_once), strict=True))


def _ports(outputs: VerifyOutputs, names: Sequence[str]) -> dict[str, list[Port]]:
    sample = next((name for name in outputs.services if SAMPLE.is_named(*name.split(".")[:2])), "")
    selection = select(outputs, sample, names)
    ports = list(selection.ports)
    if sample and selection.sample:
        probe = outputs.probes.get(sample)
        ports.insert(0, sample_port(sample, outputs.services[sample], probe.prefer if probe else "weights"))
    services: dict[str, list[Port]] = {}
    for port in ports:
        services.setdefault(port.service, []).append(port)
    return services


def _read(outputs: VerifyOutputs, mesh: str, namespaces: Sequence[str]) -> Cluster | str:
    try:
        with connected(outputs.kubeconfigs[mesh]) as api:
            return read_cluster(api, namespaces, outputs.meshes[mesh].control_plane)
    except UnreachableError as error:
        return str(error)


def _refusing(
    outputs: VerifyOutputs, made: Made, clusters: Mapping[str, Cluster], mesh: str, ports: Sequence[Port]
) -> dict[str, frozenset[str]]:
    """Return the exporters that must refuse the sample of a mesh, by the address of each port."""
    samples = sample_of(outputs, mesh)
    return {
        port.address: frozenset.intersection(*(refusing(outputs, made, clusters, one, port) for one in samples))
        for port in ports
    }


def _call(outputs: VerifyOutputs, mesh: str, ports: Sequence[Port], refused: Mapping[str, frozenset[str]]) -> Caller:
    try:
        with ExitStack() as cleanup:
            pod = cleanup.enter_context(echo_pod(outputs.kubeconfigs[mesh]))
            return call(pod, ports, one_mesh=outputs.one_mesh, refusing=refused)
    except InsideError as error:
        return Caller(trouble=str(error))


def _proxies(outputs: VerifyOutputs, mesh: str) -> Sequence[Proxy] | str:
    try:
        return proxies(mesh, outputs.kubeconfigs[mesh])
    except OutputsError as error:
        return str(error)


def _presented(outputs: VerifyOutputs, mesh: str, cluster: Cluster) -> Sequence[Presented]:
    namespace = cluster.plane.namespace
    pods = [
        one["metadata"]["name"] for one in cluster.selected("Pod", namespace, cluster.istiod_labels) if is_ready(one)
    ]
    try:
        with connected(outputs.kubeconfigs[mesh]) as api:
            return presented(api, namespace, pods)
    except UnreachableError as error:
        return [Presented("istiod", None, str(error))]


def _analyze(outputs: VerifyOutputs, mesh: str, answering: Sequence[str]) -> Sequence[Message] | str:
    clusters = answering if outputs.one_mesh else [mesh]
    kubeconfigs = {one: outputs.kubeconfigs[one] for one in clusters}
    return analysis.analyze(kubeconfigs, mesh, outputs.meshes[mesh].control_plane)


def _shake(outputs: VerifyOutputs, mesh: str, ports: Sequence[Port]) -> dict[str, Handshake]:
    about: VerifyMeshOutputs = outputs.meshes[mesh]
    asked = [not_exported(about), *dict.fromkeys(sni(port) for port in ports if mesh in port.weights)][
        :_MOST_HANDSHAKES
    ]
    work = [
        lambda name=name: shake_hands(about.gateway_address, about.gateway_port, name, outputs.trusted_pem)
        for name in asked
    ]
    return dict(zip(asked, in_parallel(work), strict=True))
