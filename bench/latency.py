"""What a request costs in the caller's proxy: the routes that the program makes, and the simplest that would do.

The simplest ones are those of the first version: the Service's cluster IP in place of its name, and one route for every
method.
"""

from collections.abc import Sequence
from statistics import median
from typing import Any

import yaml
from kubernetes import client, config

from components import istio, routing
from components.ports import Port
from lab.stack import Stack
from multimesh.contract import SAMPLE
from multimesh.hosts import local_host
from multimesh.verify.answers import Answer
from multimesh.verify.inside import ask_from_pod, echo_pod

TWIN = f"twin.{SAMPLE.namespace}.global"
ROUNDS, REQUESTS = 12, 50
_PORTS = [Port(SAMPLE.port, "http")]


def p50s(stack: Stack) -> tuple[float, float]:
    """Return the median seconds of a request by the program's routes and by the simplest ones, asked in turns."""
    outputs = stack.outputs()
    kubeconfig = outputs.kubeconfigs["west"]
    with config.new_client_from_config_dict(yaml.safe_load(kubeconfig.get_secret_value())) as connected:
        core: Any = client.CoreV1Api(connected)
        ip = core.read_namespaced_service(SAMPLE.name, SAMPLE.namespace).spec.cluster_ip
        east = outputs.meshes["east"]
        for kind, plural, spec in _simplest(ip, east.gateway_address, east.gateway_port):
            group, version = istio.API_VERSIONS[kind].split("/")
            body = {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": "twin"}, "spec": spec}
            client.CustomObjectsApi(connected).create_namespaced_custom_object(
                group, version, istio.NAMESPACE, plural, body
            )
    programs, simplest = list[float](), list[float]()
    with echo_pod(kubeconfig) as pod:
        ask_from_pod(pod, f"http://{TWIN}/", REQUESTS)  # the sidecar learns of it some seconds after it is made
        for _ in range(ROUNDS):
            for seconds, host in ((programs, f"{SAMPLE.name}.{SAMPLE.namespace}.global"), (simplest, TWIN)):
                outcomes = ask_from_pod(pod, f"http://{host}/", REQUESTS)
                seconds += [one.milliseconds / 1000 for one in outcomes if isinstance(one, Answer)]
    return median(programs), median(simplest)


def _simplest(cluster_ip: str, gateway: str, gateway_port: int) -> Sequence[tuple[str, str, istio.Spec]]:
    port = SAMPLE.port
    local = local_host(SAMPLE.name, SAMPLE.namespace)
    identities = [
        istio.principal(f"{mesh}.mesh", SAMPLE.namespace, SAMPLE.service_account) for mesh in ("east", "west")
    ]
    endpoints = [
        routing.Endpoint("west", cluster_ip, {port: port}),
        routing.Endpoint("east", gateway, {port: gateway_port}),
    ]
    entries = [routing.workload_entry(endpoint, _PORTS) for endpoint in endpoints]
    entry = routing.service_entry(TWIN, _PORTS, entries, identities) | {"resolution": "STATIC"}
    rule = routing.destination_rule(TWIN, _PORTS, local, routing.Split({"east": 50, "west": 50}))
    destination: dict[str, Any] = {"host": TWIN, "port": {"number": port}}
    route = {
        "route": [{"destination": destination}],
        "retries": {"attempts": 3, "retryOn": "connect-failure,reset,503"},
    }
    return [
        ("ServiceEntry", "serviceentries", entry),
        ("DestinationRule", "destinationrules", rule),
        ("VirtualService", "virtualservices", {"hosts": [TWIN], "gateways": ["mesh"], "http": [route]}),
    ]
