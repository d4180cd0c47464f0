"""The user data of a node: cloud-config that Ubuntu's cloud-init applies at the first boot. It holds no secret.

Source: https://cloudinit.readthedocs.io/en/latest/reference/modules.html
"""

import base64
import gzip
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

import yaml

from components.clusters.kubeadm import configuration
from components.clusters.kubeadm.configuration import KubeadmCluster

MAXIMUM_BYTES = 16 * 1024
"""EC2's limit for user data, before base64 encoding: of what is packed."""
SIGNING_KEY = "kubernetes.asc"
"""The key that signs Kubernetes' packages, as it is published at pkgs.k8s.io; `gpg --show-keys` says until when."""
_PROGRAMS = ("install-kubernetes", "join-cluster")
_LIBRARY = "/usr/local/lib/multimesh"
_WORKER = ("aws_requests.py", "fetch_secrets.py", "prove_identity.py", "signing_requests.py")
_CONTROL_PLANE = ("approve_nodes.py", "aws_requests.py", "fetch_secrets.py", "signing_requests.py")
_SERVICE, _APPROVER = "multimesh-node.service", "multimesh-approve-nodes.service"
_UPGRADE, _UPGRADE_UNITS = "upgrade-kubernetes", ("multimesh-upgrade.service", "multimesh-upgrade.timer")
WANTED_VERSION = "kubernetes-version"
"""The parameter, beside the secret files, that names the version which control-plane nodes upgrade themselves to."""


def control_plane(cluster: KubeadmCluster, parameters: str, secret_files: Iterable[str], *, first: bool) -> str:
    """Return the user data of a control-plane node.

    `parameters` is the path (`/a/b`) below which the node finds each of `secret_files`
    (`KubernetesPki.control_plane_files`) in Parameter Store. The `first` node creates the cluster,
    unless a cluster answers at the endpoint already; the other nodes join it.
    """
    role = "first-control-plane" if first else "control-plane"
    configurations = {
        "cluster.yaml": configuration.cluster(cluster),
        "join.yaml": configuration.join(control_plane=True),
        "nodes.yaml": configuration.nodes(),
        "dns.yaml": configuration.dns(),
    }
    if first:
        configurations["init.yaml"] = configuration.init(cluster)
    more = [
        _file(configuration.AUDIT_POLICY, configuration.audit_policy()),
        *_library(_CONTROL_PLANE),
        _program(_UPGRADE),
        *(_unit(name) for name in (_APPROVER, *_UPGRADE_UNITS)),
    ]
    return _render(cluster, role, parameters, secret_files, configurations, more)


def worker(cluster: KubeadmCluster, parameters: str, secret_files: Iterable[str]) -> str:
    """Return the user data of a worker. It is the same for all workers and does not expire."""
    return _render(
        cluster,
        "worker",
        parameters,
        secret_files,
        {"join.yaml": configuration.join(control_plane=False)},
        _library(_WORKER),
    )


def packed(user_data: str) -> str:
    """Return user data as EC2 is sent it: base64 of gzip, which cloud-init unpacks. The same text gives the same."""
    return base64.b64encode(gzip.compress(user_data.encode(), mtime=0)).decode()


def _render(
    cluster: KubeadmCluster,
    role: str,
    parameters: str,
    secret_files: Iterable[str],
    configurations: dict[str, str],
    more: Sequence[dict[str, str]],
) -> str:
    environment = {
        "ROLE": role,
        "ENDPOINT": cluster.endpoint,
        "KUBERNETES_VERSION": cluster.kubernetes_version,
        "CONTAINERD_SERIES": cluster.containerd_series,
        "WORKER_ROLE": cluster.worker_role,
        "PARAMETERS": parameters,
        "SECRET_FILES": '"' + " ".join(sorted(secret_files)) + '"',
    }
    written = [
        _file("/etc/multimesh/node.env", "".join(f"{name}={value}\n" for name, value in environment.items())),
        *(_file(f"/etc/multimesh/{name}", text) for name, text in sorted(configurations.items())),
        _file(f"/etc/multimesh/{SIGNING_KEY}", node_file(SIGNING_KEY)),
        *more,
        _file("/etc/containerd/config.toml", containerd(cluster)),
        _file("/etc/modules-load.d/kubernetes.conf", "overlay\nbr_netfilter\n"),
        _file("/etc/sysctl.d/90-kubernetes.conf", _sysctls()),
        *map(_program, _PROGRAMS),
        _unit(_SERVICE),
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


def _library(names: Iterable[str]) -> list[dict[str, str]]:
    return [_file(f"{_LIBRARY}/{name}", node_file(name)) for name in names]


def _program(name: str) -> dict[str, str]:
    return _file(f"/usr/local/sbin/{name}", node_file(name), "0755")


def _unit(name: str) -> dict[str, str]:
    return _file(f"/etc/systemd/system/{name}", node_file(name))


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
