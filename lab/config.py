"""The configuration files of a node's programs: containerd, its pod network, kubelet and kube-proxy."""

import json
from pathlib import Path

import yaml

from lab.allocation import Allocation

PLUGINS = "/usr/lib/cni"  # of Debian's containernetworking-plugins
NODE_PLUGINS, POD_NETWORKS = Path("/opt/cni/bin"), Path("/etc/cni/net.d")
"""Where pods that extend the pod network put their plugins and change its configuration: of each node its own."""


def containerd(cluster: Allocation) -> str:
    """Return containerd's configuration (TOML, version 4): everything it owns is in the cluster's own folders."""
    return f"""\
version = 4
root = '{cluster.folder}/containerd'
state = '{cluster.run}/node/containerd'
disabled_plugins = [
  'io.containerd.internal.v1.restart',
  'io.containerd.nri.v1.nri',
  'io.containerd.snapshotter.v1.blockfile',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.erofs',
  'io.containerd.snapshotter.v1.native',
  'io.containerd.snapshotter.v1.zfs',
]

[plugins.'io.containerd.server.v1.grpc']
address = '{socket(cluster)}'

[plugins.'io.containerd.server.v1.ttrpc']
address = '{socket(cluster)}.ttrpc'

[plugins.'io.containerd.shim.v1.manager']
socket_dir = '{cluster.run}/node/s'

[plugins.'io.containerd.internal.v1.opt']
path = '{cluster.run}/node/opt'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '{cluster.pause_image}'

[plugins.'io.containerd.cri.v1.runtime']
disable_apparmor = true
restrict_oom_score_adj = true # root may lack CAP_SYS_RESOURCE
netns_mounts_under_state_dir = true

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
Root = '{cluster.run}/node/runc'

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['{NODE_PLUGINS}', '{PLUGINS}']
conf_dir = '{POD_NETWORKS}'
"""


def socket(cluster: Allocation) -> str:
    """Return the path of containerd's socket."""
    return f"{cluster.run}/node/containerd.sock"


def pod_network(cluster: Allocation) -> str:
    """Return the CNI configuration (JSON): a routed link per pod, its address from the pod CIDR, the node's outside.

    Routed (ptp) rather than bridged: replies between two pods then always pass the node's address translation, without
    br_netfilter, a setting of the whole machine.
    """
    ipam = {
        "type": "host-local",
        "ranges": [[{"subnet": cluster.pod_cidr}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": f"{cluster.run}/node/addresses",
    }
    plugins = [
        {"type": "ptp", "ipMasq": True, "ipam": ipam},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    return json.dumps({"cniVersion": "1.0.0", "name": cluster.id, "plugins": plugins}, indent=2)


def kubelet(cluster: Allocation) -> str:
    """Return kubelet's configuration (YAML)."""
    pki = f"{cluster.folder}/pki"
    return yaml.safe_dump(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            # who may talk to it
            "address": cluster.address,
            "tlsCertFile": f"{pki}/kubelet.crt",
            "tlsPrivateKeyFile": f"{pki}/kubelet.key",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": f"{pki}/ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            # pods
            "podLogsDir": f"{cluster.folder}/logs/pods",
            "containerRuntimeEndpoint": f"unix://{socket(cluster)}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/multimesh/{cluster.id}",
            "failCgroupV1": False,
            "clusterDNS": [cluster.dns_service],
            "clusterDomain": cluster.domain,
            "resolvConf": "",  # names of the world outside are none of the lab's
            "serializeImagePulls": False,
            "syncFrequency": "10s",  # of files of Secrets and ConfigMaps
            # images were imported, not pulled: no credentials to verify, nothing to collect
            "imagePullCredentialsVerificationPolicy": "NeverVerify",
            "imageGCHighThresholdPercent": 100,
            # the machine's memory, disk and swap are its owner's business
            "failSwapOn": False,
            "enforceNodeAllocatable": [],
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        },
        sort_keys=False,
    )


def kube_proxy(cluster: Allocation) -> str:
    """Return kube-proxy's configuration (YAML)."""
    return yaml.safe_dump(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "clientConnection": {"kubeconfig": f"{cluster.folder}/pki/kube-proxy.kubeconfig"},
            "mode": "iptables",
            "clusterCIDR": cluster.pod_cidr,
            "hostnameOverride": cluster.id,
            "nodePortAddresses": ["primary"],
            "iptables": {"localhostNodePorts": False, "minSyncPeriod": "100ms"},
            # 0 leaves the machine's settings of connection tracking alone
            "conntrack": {
                "maxPerCore": 0,
                "min": 0,
                "tcpEstablishedTimeout": "0s",
                "tcpCloseWaitTimeout": "0s",
            },
        },
        sort_keys=False,
    )
