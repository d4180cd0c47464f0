"""A real Kubernetes cluster of one node on this machine: created, restarted, inspected, destroyed."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from lab import allocation, api, cgroups, dns, inotify, network, node, pki, programs
from lab.allocation import Allocation, NoSuchClusterError

Report = Callable[[str], None]


@dataclass(frozen=True)
class Cluster:
    """A cluster as its users see it.

    `id` is also the name of its network namespace and of its link; `name` is what the user calls it; `address` is the
    node's, reachable from this machine and from its other clusters; `kubeconfig` is the administrator's, as YAML.
    """

    id: str
    name: str
    address: str
    pod_cidr: str
    service_cidr: str
    kubeconfig: str


def create(
    name: str, report: Report, owner: str = "", *, flat: bool = False, domain: str = Allocation.domain
) -> Cluster:
    """Create a cluster and return it once its node is ready; on failure, remove what was made.

    The names of its Services end with `domain`. An `owner` has one cluster of a name at a time: one that exists already
    was left behind by a killed run, and is destroyed first. `report` is called with one line per step. Raises
    NoFreeNetworkError, StartError or CommandError.
    """
    if remains := allocation.left_behind(name, owner):
        report(f"{remains.id}: left behind by a run that was killed")
        destroy(remains.id, report)
    id = allocation.allocate(name, owner, flat=flat, domain=domain).id
    try:
        return start(id, report)
    except BaseException:
        destroy(id, report)
        raise


def start(id: str, report: Report, *, flat: bool | None = None) -> Cluster:
    """Start the programs of a cluster that do not run, on its data, and return it once its node is ready.

    With `flat`, its pods are routed as in a flat network; False removes these routes, None keeps what was chosen.
    Raises NoSuchClusterError, StartError or CommandError.
    """
    given = allocation.find(id)
    if given is None:
        known = ", ".join(cluster.id for cluster in allocation.find_all()) or "none"
        raise NoSuchClusterError(f"{id}: no such cluster; there are: {known}")
    with allocation.lock(given.folder):
        if flat is not None and flat != given.flat:
            given = replace(given, flat=flat)
            allocation.note(given)
        if not (network.exists(id) and given.run.exists()):
            cgroups.end(id)  # what may still run is out of reach: its namespace or its sockets are lost
        network.up(given)
        if not faults(id):
            return _describe(given)
        inotify.make_room(report)
        report(f"network: {given.address} by link {id}")
        node.prepare(given)
        report("files: keys, configurations and images")
        if pki.write_etcd(given):
            programs.end(id, "etcd", "kube-apiserver")  # of an earlier version of the lab, without certificates
        if programs.fault(id, "etcd"):
            programs.end(id, "kube-apiserver")  # it would take minutes to look for its etcd again
        began = programs.fault(id, "kube-apiserver")
        programs.start(given, "etcd", "kube-apiserver", "containerd")
        if began:
            programs.bind(given, "kube-apiserver", "etcd")
        with api.client(given) as client:
            programs.wait(given, lambda: api.unready(client, "/readyz"), "etcd", "kube-apiserver")
            report(f"API server: answers at {given.server}")
            programs.start(given, "kube-controller-manager", "kube-scheduler")
            programs.wait(given, lambda: node.unready(given), "containerd")
            programs.start(given, "kubelet", "kube-proxy")
            programs.wait(given, lambda: dns.install(given, client), "kube-apiserver")
            programs.wait(given, lambda: api.node_unready(client, id), "kubelet", "containerd")
            report("node: ready")
    return _describe(given)


def rename(id: str, name: str, owner: str) -> None:
    """Change a cluster's owner and name."""
    allocation.rename(id, name, owner)


def read(id: str) -> Cluster | None:
    """Return the cluster, whether it runs or not; None when there is none, or none that ever started."""
    given = allocation.find(id)
    return _describe(given) if given and pki.exists(given) else None


def faults(id: str) -> list[str]:
    """Return a line for each program that has ended, for a lost network, for an unready API; [] if all is well."""
    given = allocation.find(id)
    if given is None:
        return [f"{id}: no such cluster"]
    found = [fault for name in programs.NAMES if (fault := programs.fault(id, name))]
    if not (network.exists(id) and network.link_exists(id)):
        return [*found, "its network is gone"]  # and others may answer at its address
    if pki.exists(given):
        with api.client(given) as client:
            found += filter(None, [api.unready(client, "/readyz")])
    return found


def destroy(id: str, report: Report) -> None:
    """Destroy a cluster, also an incomplete or dead one; do nothing if it does not exist.

    Raises NoSuchClusterError for what cannot be an id, StillRunningError, or CommandError.
    """
    if not allocation.is_id(id):
        raise NoSuchClusterError(f"{id!r} is not the id of a cluster: mm and 6 hexadecimal digits")
    programs.end(id)
    cgroups.end(id)
    cgroups.remove(id)
    report("programs and pods: ended")
    network.down(id)
    allocation.release(id, [*node.FIXED_FOLDERS, network.NAMESPACES])
    report("network and files: removed")


def _describe(given: Allocation) -> Cluster:
    return Cluster(
        id=given.id,
        name=given.name,
        address=given.address,
        pod_cidr=given.pod_cidr,
        service_cidr=given.service_cidr,
        kubeconfig=pki.admin_kubeconfig(given),
    )
