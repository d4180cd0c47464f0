"""A Pulumi program that makes what the nodes of a kubeadm cluster are told: their keys, and their user data."""

import pulumi

from components.clusters.kubeadm import user_data
from components.clusters.kubeadm.configuration import KubeadmCluster
from components.clusters.kubeadm.pki import KubernetesPki

config = pulumi.Config("kubeadm")
pki = KubernetesPki("lab", {"cluster": "lab"})
files = pki.control_plane_files


cluster = KubeadmCluster(
    name="lab",
    endpoint=config.require("endpoint"),
    api_names=[config.require("address")],
    pod_cidr=config.require("pod_cidr"),
    service_cidr=config.require("service_cidr"),
    worker_role=config.require("worker_role"),
    kubernetes_version=config.require("kubernetes_version"),
)
pulumi.export("first", user_data.control_plane(cluster, "/control-plane", files, first=True))
pulumi.export("another", user_data.control_plane(cluster, "/control-plane", files, first=False))
pulumi.export("worker", user_data.worker(cluster, "/worker", pki.worker_files))
pulumi.export("kubeconfig", pki.kubeconfig(f"https://{config.require('address')}:6443"))
pulumi.export(
    "parameters",
    {f"/control-plane/{path}": content for path, content in files.items()}
    | {f"/worker/{path}": content for path, content in pki.worker_files.items()},
)
