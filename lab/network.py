"""A cluster's network: a namespace, a link to this machine, and rules: packets pass to other clusters, not to us."""

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from lab.allocation import Allocation
from lab.processes import CommandError, run

NAMESPACES = Path("/run/netns")  # where `ip netns` looks
LINKS = Path("/sys/class/net")


def enter(id: str) -> list[str]:
    """Return the command, to put before another one, that runs it in the cluster's network namespace.

    Not `ip netns exec`, which mounts another /sys and so hides the control groups from kubelet.
    """
    return ["nsenter", f"--net={NAMESPACES / id}"]


def exists(id: str) -> bool:
    """Return whether the namespace exists."""
    namespace = NAMESPACES / id
    return namespace.exists() and namespace.stat().st_dev != NAMESPACES.stat().st_dev


def link_exists(id: str) -> bool:
    """Return whether the link exists."""
    return (LINKS / id).exists()


def traces() -> Iterator[tuple[str, str]]:
    """Yield each name that a cluster's namespace or link has on this machine, and what it is."""
    for what, folder in (("network namespace", NAMESPACES), ("link", LINKS)):
        for entry in folder.glob("mm*"):
            yield entry.name, what


def _remove_link(id: str) -> None:
    if link_exists(id):
        with contextlib.suppress(CommandError):  # it also goes by itself, some time after its namespace
            run("ip", "link", "delete", id)


def up(cluster: Allocation) -> None:
    """Create the missing parts of the network."""
    id = cluster.id
    if not exists(id):
        _remove_link(id)  # its other end is in a namespace that has lost its name
        NAMESPACES.mkdir(parents=True, exist_ok=True)
        (NAMESPACES / id).touch()
        run("unshare", f"--net={NAMESPACES / id}", "true")
    if not link_exists(id):
        run("ip", "link", "add", id, "type", "veth", "peer", "name", "eth0", "netns", id)
    run("ip", "address", "replace", f"{cluster.gateway}/24", "dev", id)
    run("ip", "link", "set", id, "up")
    # Of packets that come in by this link alone; the machine's own ip_forward stays as it is.
    Path(f"/proc/sys/net/ipv4/conf/{id}/forwarding").write_text("1")
    for command in (
        "link set lo up",
        f"address replace {cluster.address}/24 dev eth0",
        "link set eth0 up",
        f"route replace default via {cluster.gateway}",
    ):
        run("ip", "-netns", id, *command.split())
    run(*enter(id), "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    _accept(id)
    _refuse(id)
    _route_pods(cluster)


def _route_pods(cluster: Allocation) -> None:
    """Route to the cluster's pods through its node if its network is flat; remove that route if it is not."""
    route = [cluster.pod_cidr, "via", cluster.address, "dev", cluster.id]
    if cluster.flat:
        run("ip", "route", "replace", *route)
    elif run("ip", "route", "show", "exact", cluster.pod_cidr):
        run("ip", "route", "delete", *route)


def _accept(id: str) -> None:
    """Let packets pass from this cluster to others, where the machine does not accept all forwarding anyway."""
    rules = _listed("FORWARD")
    if rules != ["-P FORWARD ACCEPT"] and not _rules(id, rules):
        _insert("FORWARD", f"-i {id} -o mm+ -m comment --comment {id} -j ACCEPT")


def _refuse(id: str) -> None:
    """Refuse what the cluster's nodes and pods begin with this machine: they need only answer it."""
    Path(f"/proc/sys/net/ipv6/conf/{id}/disable_ipv6").write_text("1")
    if not _rules(id, _listed("INPUT")):
        _insert("INPUT", f"-i {id} -m conntrack --ctstate NEW -m comment --comment {id} -j REJECT")


def _listed(chain: str) -> list[str]:
    return run("iptables", "--wait", "--list-rules", chain).splitlines()


def _insert(chain: str, rule: str) -> None:
    run("iptables", "--wait", "--insert", chain, *rule.split())


def _rules(id: str, rules: list[str]) -> list[str]:
    """Return the rules, as iptables lists them, that are marked with the cluster's id."""
    return [rule for rule in rules if rule.startswith("-A ") and f"--comment {id} " in rule.replace('"', "")]


def down(id: str) -> None:
    """Remove the network, also an incomplete one."""
    for rule in _rules(id, _listed("FORWARD") + _listed("INPUT")):
        run("iptables", "--wait", "--delete", *shlex.split(rule)[1:])
    _remove_link(id)
    if exists(id):
        run("umount", "--lazy", str(NAMESPACES / id))
    (NAMESPACES / id).unlink(missing_ok=True)
