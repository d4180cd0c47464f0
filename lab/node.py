"""The node that containerd and kubelet run on: this machine, with some folders and the images of its own."""

import os
import shutil
import socket
from pathlib import Path

from lab import cgroups, config, paths, pki
from lab.allocation import Allocation
from lab.processes import CommandError, run

# Folders whose paths are fixed in kubelet, in the CNI library and in pods that change a node. A node has its own ones
# there, in a mount namespace that lives as long as its programs: nodes share nothing, not even with a Kubernetes that
# the machine itself runs, and no mount is left behind.
FIXED_FOLDERS = [
    Path("/var/lib/kubelet"),
    Path("/var/lib/cni"),
    Path("/var/log/containers"),
    # where Istio's CNI node agent looks for the pod network, and where its plugin looks for the agent
    config.POD_NETWORKS.parent,
    config.NODE_PLUGINS.parent,
    Path("/run/istio-cni"),
]

# What kubelet sets for the whole machine, unless it finds these values already.
_KERNEL_SETTINGS = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/keys/root_maxbytes": 25000000,
}

# Arguments: pairs of source and target to bind, "--", the command.
_IN_NEW_NAMESPACE = """
mount --make-rshared /
until [ "$1" = -- ]; do mount --bind "$1" "$2"; shift 2; done
shift
exec "$@"
"""


def prepare(cluster: Allocation) -> None:
    """Write the cluster's keys, configurations and images, unless they exist."""
    if not pki.exists(cluster):
        pki.write(cluster)
    for name, content in {
        "containerd.toml": config.containerd(cluster),
        "kubelet.yaml": config.kubelet(cluster),
        "kube-proxy.yaml": config.kube_proxy(cluster),
        f"cni/{config.POD_NETWORKS.name}/pods.conflist": config.pod_network(cluster),
    }.items():
        file = cluster.folder / "config" / name
        if not file.exists() or file.read_text() != content:  # kube-proxy ends itself when its file is written
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
    if not (cluster.folder / "containerd").exists():
        _copy_images(paths.CONTAINERD_TEMPLATE, cluster.folder / "containerd")


def _copy_images(template: Path, root: Path) -> None:
    """Make containerd's root from the template: hard links to what never changes, copies of the databases."""
    unfinished = root.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        run("cp", "--archive", "--link", str(template), str(unfinished))
    except CommandError:  # on another file system
        shutil.rmtree(unfinished, ignore_errors=True)
        run("cp", "--archive", str(template), str(unfinished))
    for database in template.rglob("*.db"):
        copy = unfinished / database.relative_to(template)
        copy.unlink()
        shutil.copy2(database, copy)
    unfinished.rename(root)


def _namespace_pid(cluster: Allocation) -> int | None:
    """Return the pid of a program that is in the node's mount namespace, None when no such program runs."""
    for pid in sorted(cgroups.members(cluster.id, "node")):
        try:
            program = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            continue
        if program in ("containerd", "kubelet", "containerd-shim"):
            return pid
    return None


def enter(cluster: Allocation) -> list[str]:
    """Return the command, to put before another one, that runs it on the node.

    If no program runs on the node any more, boot it: end the pods that outlived the programs, remove the state of the
    last boot, and return a command that makes a new mount namespace.
    """
    if pid := _namespace_pid(cluster):
        return ["nsenter", f"--mount=/proc/{pid}/ns/mnt"]
    cgroups.end(cluster.id, "kubepods")
    state = cluster.run / "node"
    shutil.rmtree(state, ignore_errors=True)

    own_folders = [
        cluster.folder / "kubelet",
        state / "cni",
        cluster.folder / "logs" / "containers",
        cluster.folder / "config" / "cni",
        cluster.folder / "plugins",
        state / "istio-cni",
    ]
    for folder in (*own_folders, cluster.folder / "plugins" / config.NODE_PLUGINS.name, *FIXED_FOLDERS):
        folder.mkdir(parents=True, exist_ok=True)
    bindings = list(zip(own_folders, FIXED_FOLDERS, strict=True))
    for name, value in _KERNEL_SETTINGS.items():
        setting = state / "kernel" / name
        setting.parent.mkdir(parents=True, exist_ok=True)
        setting.write_text(f"{value}\n")
        bindings.append((setting, Path("/proc/sys") / name))
    arguments = [os.fspath(path) for binding in bindings for path in binding]
    return ["unshare", "--mount", "--propagation=slave", "sh", "-ec", _IN_NEW_NAMESPACE, "sh", *arguments, "--"]


def unready(cluster: Allocation) -> str:
    """Return why containerd does not answer, "" when it does."""
    address = config.socket(cluster)
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(address)
        except OSError as error:
            return f"{address}: {error.strerror}"
    return ""
