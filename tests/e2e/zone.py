"""A DNS name of a load balancer, in a zone that a lab cluster's DNS server answers for and Istio knows nothing of."""

import time
from typing import Any

import yaml
from kubernetes import client, config

from lab.cluster import Cluster

ZONE = "cloud.test"
_NAMESPACE = "balancers"


def name_of(balancer: str) -> str:
    """The DNS name of a load balancer."""
    return f"{balancer}.{_NAMESPACE}.svc.{ZONE}"


def add(of: Cluster, balancer: str, address: str) -> None:
    """Let the cluster's DNS server know a name: a headless Service, served under the zone's name as well."""
    with config.new_client_from_config_dict(yaml.safe_load(of.kubeconfig)) as connected:
        api: Any = client.CoreV1Api(connected)
        api.create_namespace({"metadata": {"name": _NAMESPACE}})
        ports = [{"name": "any", "port": 80}]
        spec = {"clusterIP": "None", "ports": ports}
        api.create_namespaced_service(_NAMESPACE, {"metadata": {"name": balancer}, "spec": spec})
        endpoints: Any = {
            "metadata": {"name": balancer, "labels": {"kubernetes.io/service-name": balancer}},
            "addressType": "IPv4",
            "ports": ports,
            "endpoints": [{"addresses": [address]}],
        }
        client.DiscoveryV1Api(connected).create_namespaced_endpoint_slice(_NAMESPACE, endpoints)
        _serve_zone(api)


def _serve_zone(api: Any) -> None:
    """Add the zone to the DNS server's configuration, and wait until a server runs that has read it."""
    known: Any = api.read_namespaced_config_map("coredns", "kube-system").data
    corefile = known["Corefile"].replace("kubernetes cluster.local ", f"kubernetes cluster.local {ZONE} ")
    assert ZONE in corefile
    api.patch_namespaced_config_map("coredns", "kube-system", {"data": {"Corefile": corefile}})
    old = _server(api).metadata.name
    api.delete_namespaced_pod(old, "kube-system", grace_period_seconds=0)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        server = _server(api)
        if server and server.metadata.name != old and _is_ready(server):
            return
        time.sleep(0.3)
    raise TimeoutError("no DNS server is ready with the new zone")


def _server(api: Any) -> Any:
    pods = api.list_namespaced_pod("kube-system", label_selector="k8s-app=kube-dns").items
    living = [pod for pod in pods if not pod.metadata.deletion_timestamp]
    return living[0] if living else None


def _is_ready(pod: Any) -> bool:
    statuses = pod.status.container_statuses
    return bool(statuses) and all(status.ready for status in statuses)
