"""The user data of a node: cloud-config that Ubuntu's cloud-init applies at the first boot. It holds no secret.

Source: https://cloudinit.readthedocs.io/en/latest/reference/modules.html
"""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

import yaml

from components.clusters.kubeadm import configuration
from components.clusters.kubeadm.configuration import KubeadmCluster

MAXIMUM_BYTES = 16 * 1024
"""EC2's limit for user data, before base64 encoding."""
_PROGRAMS = {
    "fetch-secrets": "fetch_secrets.py",
    "install-kubernetes": "install-kubernetes",
    "join-cluster": "join-cluster",
}
_SERVICE = "multimesh-node.service"


def control_plane(cluster: KubeadmCluster, parameters: str, secret_files: Iterable[str], *, first: bool) -> str:
    """Return the user data of a control-plane node.

    `parameters` is the path (`/a/b`) below which the node finds each of `secret_files`
    (`KubernetesPki.control_plane_files`) in Parameter Store. The `first` node creates the cluster,
    unless a cluster answers at the endpoint already; the other nodes join it.
    """
    role = "first-control-plane" if first else "control-plane"
    configurations = {"join.yaml": configuration.join(cluster, control_plane=True)}
    if first:
        configurations["init.yaml"] = configuration.init(cluster)
    audit = [_file(configuration.AUDIT_POLICY, configuration.audit_policy())]
    return _render(cluster, role, parameters, secret_files, configurations, audit)


def worker(cluster: KubeadmCluster, parameters: str, secret_files: Iterable[str]) -> str:
    """Return the user data of a worker. It is the same for all workers and does not expire."""
    return _render(
        cluster,
        "worker",
        parameters,
        secret_files,
        {"join.yaml": configuration.join(cluster, control_plane=False)},
    )


def _render(
    cluster: KubeadmCluster,
    role: str,
    parameters: str,
    secret_files: Iterable[str],
    configurations: dict[str, str],
    more: Sequence[dict[str, str]] = (),
) -> str:
    environment = {
        "ROLE": role,
        "ENDPOINT": cluster.endpoint,
        "KUBERNETES_VERSION": cluster.kubernetes_version,
        "CONTAINERD_SERIES": cluster.containerd_series,
        "PARAMETERS": parameters,
        "SECRET_FILES": '"' + " ".join(sorted(secret_files)) + '"',
    }
    written = [
        _file("/etc/multimesh/node.env", "".join(f"{name}={value}\n" for name, value in environment.items())),
        *(_file(f"/etc/multimesh/{name}", text) for name, text in sorted(configurations.items())),
        *more,
        _file("/etc/containerd/config.toml", containerd(cluster)),
        _file("/etc/modules-load.d/kubernetes.conf", "overlay\nbr_netfilter\n"),
        _file("/etc/sysctl.d/90-kubernetes.conf", _sysctls()),
        *(_file(f"/usr/local/sbin/{name}", node_file(source), "0755") for name, source in _PROGRAMS.items()),
        _file(f"/etc/systemd/system/{_SERVICE}", node_file(_SERVICE)),
    ]
    document = {
        "write_files": written,
        # The service runs at every boot until the node has joined, so a failed attempt is repeated.
        "runcmd": [["systemctl", "daemon-reload"], ["systemctl", "enable", "--now", "--no-block", _SERVICE]],
    }
    return "#cloud-config\n" + yaml.dump(document, Dumper=_Literal, sort_keys=False, width=1000)


def containerd(cluster: KubeadmCluster) -> str:
    """Return containerd's configuration (TOML, version 3: containerd 2): systemd's cgroups, kubeadm's pause image."""
    return f"""\
version = 3

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '{cluster.pause_image}'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['/opt/cni/bin']
conf_dir = '/etc/cni/net.d'
"""


def node_file(name: str) -> str:
    """Return the text of a file of `node/`."""
    return (files(__package__ or "") / "node" / name).read_text()


def _sysctls() -> str:
    settings = {
        "net.ipv4.ip_forward": 1,
        "net.bridge.bridge-nf-call-iptables": 1,
        "net.bridge.bridge-nf-call-ip6tables": 1,
        "fs.inotify.max_user_instances": 8192,
    }
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


def _file(path: str, content: str, permissions: str = "0644") -> dict[str, str]:
    return {"path": path, "permissions": permissions, "content": content}


class _Literal(yaml.SafeDumper):
    """A dumper that writes texts of several lines as literal blocks, so that people can read the user data."""


def _represent(dumper: yaml.SafeDumper, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Literal.add_representer(str, _represent)
