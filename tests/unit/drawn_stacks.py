"""Outputs of stacks of any size, to be drawn."""

from typing import Any

from multimesh.contract import VerifyOutputs

PORTS: dict[str, Any] = {"ports": {80: "http"}}


def outputs(meshes: int = 2, services: int = 1, /, **given: Any) -> VerifyOutputs:
    """Return the outputs of a stack in which every service is answered by two meshes, and called by all."""
    names = [f"mesh-{number:02}" for number in range(meshes)]
    exported = {
        f"service-{number:03}.shop.global": {names[number % meshes]: 1, names[(number + 1) % meshes]: 1}
        for number in range(services)
    }
    whole = {
        "meshes": {name: mesh(name) for name in names},
        "root_ca": "",
        "root_ca_fingerprint": "AB:CD",
        "root_ca_expires": "2036-11-25T12:00:00Z",
        "services": exported,
        "probes": dict.fromkeys(exported, PORTS),
        "exposure": [
            exposure(f"{name.removesuffix('.global')}:80", *(f"{mesh} (any identity)" for mesh in names))
            for name in exported
        ],
        "kubeconfigs": dict.fromkeys(names, ""),
    }
    return VerifyOutputs.model_validate(whole | given)


def mesh(name: str) -> dict[str, Any]:
    return {
        "gateway_address": f"{name}.example",
        "gateway_port": 15443,
        "trust_domain": f"{name}.mesh",
        "ingress_url": f"http://{name}.example/",
        "ca_expires": "2027-11-25T12:00:00Z",
        "cluster": "gke",
    }


def exposure(service: str, *callers: str) -> dict[str, Any]:
    return {"callers": callers, "service": service, "meshes": []}
