"""A Pulumi program that makes what the nodes of a kubeadm cluster are told: their keys, and their user data."""

import pulumi

from components.clusters.kubeadm import user_data
from components.clusters.kubeadm.configuration import KubeadmCluster
from components.clusters.kubeadm.pki import KubernetesPki

config = pulumi.Config("kubeadm")
pki = KubernetesPki("lab", {"cluster": "lab"})
files = pki.control_plane_files


def cluster(ca_hash: str) -> KubeadmCluster:
    return KubeadmCluster(
        name="lab",
        endpoint=config.require("endpoint"),
        api_names=[config.require("address")],
        pod_cidr=config.require("pod_cidr"),
        service_cidr=config.require("service_cidr"),
        ca_hash=ca_hash,
    )


known = pki.ca_hash.apply(cluster)
pulumi.export("first", known.apply(lambda known: user_data.control_plane(known, "/cp", files, first=True)))
pulumi.export("another", known.apply(lambda known: user_data.control_plane(known, "/cp", files, first=False)))
pulumi.export("worker", known.apply(lambda known: user_data.worker(known, "/worker", pki.worker_files)))
pulumi.export("kubeconfig", pki.kubeconfig(f"https://{config.require('address')}:6443"))
pulumi.export(
    "parameters",
    {f"/cp/{path}": content for path, content in files.items()}
    | {f"/worker/{path}": content for path, content in pki.worker_files.items()},
)
