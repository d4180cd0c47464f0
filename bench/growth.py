"""What exporting services costs, by their number: real Services in both meshes, added to a stack that exports one."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

from bench.by_hand import ByHand
from components import echo, envoy, istio, routing
from components.ports import Port
from lab.stack import Stack
from multimesh.contract import SAMPLE
from multimesh.hosts import local_host

SUFFIX = "global"
_PORT = SAMPLE.port
_PORTS = [Port(_PORT, "http")]
_CALLERS = [istio.any_principal("east.mesh"), istio.any_principal("west.mesh")]
_PROGRAM_SECONDS = 1200


def names(count: int) -> list[str]:
    """Return the names of so many services."""
    return [f"service-{number:03}" for number in range(count)]


def make_services(kubeconfig: dict[str, Any], count: int) -> None:
    """Make so many Services in a cluster, all selecting the sample's pods."""
    ports = [{"name": "http", "port": _PORT, "targetPort": echo.CONTAINER_PORT}]
    spec = {"selector": SAMPLE.labels, "ports": ports}
    with config.new_client_from_config_dict(kubeconfig) as connected:
        core: Any = client.CoreV1Api(connected)
        for name in names(count):
            core.create_namespaced_service(SAMPLE.namespace, {"metadata": {"name": name}, "spec": spec})


def program(stack: Stack, count: int) -> Callable[[], None]:
    """Make the Services, and return what exports them: one `pulumi up`."""
    for kubeconfig in stack.outputs().kubeconfigs.values():
        make_services(yaml.safe_load(kubeconfig.get_secret_value()), count)
    exported = [SAMPLE.exported | {"name": name} for name in names(count)]
    stack.configure(lambda settings: settings["multimesh:services"].extend(exported))
    return lambda: stack.up(timeout=_PROGRAM_SECONDS)


def script(by_hand: ByHand, folder: Path, count: int) -> Callable[[], None]:
    """Make the Services, and return what applies to both meshes, side by side, the objects that the program makes."""
    meshes = ("east", "west")
    addresses = {mesh: (folder / f"{mesh}.address").read_text().strip() for mesh in meshes}
    for mesh in meshes:
        kubeconfig = yaml.safe_load((folder / f"{mesh}.kubeconfig").read_text())
        make_services(kubeconfig, count)
        rendered = objects(mesh, names(count), addresses)
        (folder / f"{mesh}.growth.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": rendered}))

    def apply() -> None:
        with ThreadPoolExecutor() as both:
            list(both.map(lambda mesh: by_hand.apply(mesh, f"{mesh}.growth.json"), meshes))

    return apply


def objects(mesh: str, services: Sequence[str], addresses: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return all that one mesh needs to export these services, besides what it has for the sample already."""
    hosts = {name: f"{name}.{SAMPLE.namespace}.{SUFFIX}" for name in services}
    sample = f"{SAMPLE.name}.{SAMPLE.namespace}.{SUFFIX}"
    local = {name: local_host(name, SAMPLE.namespace) for name in services}
    exported = [local_host(SAMPLE.name, SAMPLE.namespace), *local.values()]
    made = [
        _object("EnvoyFilter", "lost-meshes", envoy.lost_peers([sample, *hosts.values()])),
        _object("Gateway", istio.PEER_GATEWAY, istio.peer_gateway(exported)),
    ]
    split = routing.Split(dict.fromkeys(addresses, 50))
    identities = [istio.principal(f"{other}.mesh", SAMPLE.namespace, SAMPLE.service_account) for other in addresses]
    for name in services:
        endpoints = [
            routing.Endpoint(other, f"{local[name]}.", {_PORT: _PORT})
            if other == mesh
            else routing.Endpoint(other, address, {_PORT: 31443})
            for other, address in addresses.items()
        ]
        entries = [routing.workload_entry(endpoint, _PORTS) for endpoint in endpoints]
        rule = routing.destination_rule(hosts[name], _PORTS, local[name], split)
        both = [local[name], hosts[name]]
        routes = routing.virtual_service(both, hosts[name], _PORTS, split, routing.Requests())
        others = istio.others_denied(SAMPLE.labels, [echo.CONTAINER_PORT], _CALLERS, anonymous=False)
        peers = envoy.foreign_admitted(SAMPLE.labels, [echo.CONTAINER_PORT])
        made += [
            _object("ServiceEntry", hosts[name], routing.service_entry(hosts[name], _PORTS, entries, identities)),
            _object("DestinationRule", hosts[name], rule),
            _object("VirtualService", hosts[name], routes),
            _object("AuthorizationPolicy", f"{hosts[name]}.others", others, SAMPLE.namespace),
            _object("EnvoyFilter", f"{hosts[name]}.peers", peers, SAMPLE.namespace),
        ]
    return made


def _object(kind: str, name: str, spec: istio.Spec, namespace: str = istio.NAMESPACE) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": istio.API_VERSIONS[kind], "kind": kind, "metadata": metadata, "spec": spec}
