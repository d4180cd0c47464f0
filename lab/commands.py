"""The command lines of a cluster's programs."""

from lab.allocation import Allocation
from lab.pki import ETCD

_ETCD = "https://127.0.0.1:2379"
_PEER = "https://127.0.0.1:2380"


def command_line(cluster: Allocation, program: str) -> list[str]:
    """Return the command line of one of the programs."""
    folder = cluster.folder
    pki, etcd_pki = f"{folder}/pki", f"{folder}/{ETCD}"
    match program:
        case "etcd":
            return [
                "etcd",
                f"--name={cluster.id}",
                f"--data-dir={folder}/etcd",
                f"--listen-client-urls={_ETCD}",
                f"--advertise-client-urls={_ETCD}",
                f"--listen-peer-urls={_PEER}",
                f"--initial-advertise-peer-urls={_PEER}",
                f"--initial-cluster={cluster.id}={_PEER}",
                # who may talk to it: it holds every Secret, and a pod may share its network
                "--client-cert-auth=true",
                f"--trusted-ca-file={etcd_pki}/ca.crt",
                f"--cert-file={etcd_pki}/server.crt",
                f"--key-file={etcd_pki}/server.key",
                "--peer-client-cert-auth=true",
                f"--peer-trusted-ca-file={etcd_pki}/ca.crt",
                f"--peer-cert-file={etcd_pki}/server.crt",
                f"--peer-key-file={etcd_pki}/server.key",
                "--logger=zap",
                # Only a crash of the machine itself can lose what is not on the disk yet: seconds of a lab's life.
                "--unsafe-no-fsync",
            ]
        case "kube-apiserver":
            return [
                "kube-apiserver",
                f"--etcd-servers={_ETCD}",
                f"--etcd-cafile={etcd_pki}/ca.crt",
                f"--etcd-certfile={etcd_pki}/client.crt",
                f"--etcd-keyfile={etcd_pki}/client.key",
                # address
                f"--bind-address={cluster.address}",
                f"--advertise-address={cluster.address}",
                f"--service-cluster-ip-range={cluster.service_cidr}",
                # who may do what
                "--anonymous-auth=false",
                "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction",
                f"--client-ca-file={pki}/ca.crt",
                f"--tls-cert-file={pki}/apiserver.crt",
                f"--tls-private-key-file={pki}/apiserver.key",
                # service accounts
                "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
                f"--service-account-key-file={pki}/sa.pub",
                f"--service-account-signing-key-file={pki}/sa.key",
                # kubelet, for logs and exec; the node has no host name that could be resolved
                "--kubelet-preferred-address-types=InternalIP",
                f"--kubelet-certificate-authority={pki}/ca.crt",
                f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
                f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
                "--request-timeout=20s",  # a server that lost its etcd says so sooner
                "--profiling=false",
            ]
        case "kube-controller-manager":
            return [
                "kube-controller-manager",
                f"--kubeconfig={pki}/kube-controller-manager.kubeconfig",
                "--use-service-account-credentials",
                # each of its controllers first asks for a token, one after another
                "--kube-api-qps=200",
                "--kube-api-burst=400",
                f"--service-account-private-key-file={pki}/sa.key",
                f"--root-ca-file={pki}/ca.crt",
                "--bind-address=127.0.0.1",
                "--leader-elect=false",
                "--profiling=false",
            ]
        case "kube-scheduler":
            return [
                "kube-scheduler",
                f"--kubeconfig={pki}/kube-scheduler.kubeconfig",
                "--bind-address=127.0.0.1",
                "--leader-elect=false",
                "--profiling=false",
            ]
        case "containerd":
            return ["containerd", f"--config={folder}/config/containerd.toml"]
        case "kubelet":
            return [
                "kubelet",
                f"--config={folder}/config/kubelet.yaml",
                f"--kubeconfig={pki}/kubelet.kubeconfig",
                f"--hostname-override={cluster.id}",
                f"--node-ip={cluster.address}",
            ]
        case "kube-proxy":
            return ["kube-proxy", f"--config={folder}/config/kube-proxy.yaml"]
        case _:
            raise ValueError(f"{program}: not a program of a cluster")
