"""Kubernetes objects of workloads, as plain data."""

from collections.abc import Sequence
from typing import Any

from lab.paths import IMAGE_HUB, IMAGE_TAG
from lab.program_image import PROGRAM_IMAGE

ECHO_IMAGE = f"{IMAGE_HUB}/app:{IMAGE_TAG}"
NAMESPACE = "shop"

Manifest = dict[str, Any]


def namespace(name: str, *, injected: bool = True) -> Manifest:
    """A namespace, with or without sidecars."""
    labels = {"istio-injection": "enabled"} if injected else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def service(name: str, app: str, *ports: Manifest, headless: bool = False, namespace: str = NAMESPACE) -> Manifest:
    """A Service in front of the pods labelled `app`."""
    spec: Manifest = {"selector": {"app": app}, "ports": list(ports)}
    if headless:
        spec["clusterIP"] = "None"
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def port(number: int, target: int | str, name: str | None = None, protocol: str = "TCP") -> Manifest:
    """A port of a Service."""
    return {"port": number, "targetPort": target, "protocol": protocol, **({"name": name} if name else {})}


def deployment(
    name: str, container: Manifest, *, namespace: str = NAMESPACE, labels: Manifest | None = None, **pod: Any
) -> Manifest:
    """A Deployment of one pod with one container; `labels` are those of its pods, `pod` the rest of their spec."""
    labels = labels or {"app": name}
    spec = {"containers": [{"name": "app", "resources": {"requests": {"cpu": "5m", "memory": "16Mi"}}, **container}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"terminationGracePeriodSeconds": 10, **spec, **pod}},
        },
    }


def echo_container(mesh: str, *arguments: str, **more: Any) -> Manifest:
    """Istio's echo server, which answers with the name of its mesh; its first port is 8080, HTTP."""
    return {
        "image": ECHO_IMAGE,
        "command": ["/usr/local/bin/server"],
        "args": ["--port=8080", *arguments, f"--cluster={mesh}"],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
        **more,
    }


def program_container(script: str, ready: Sequence[str] = (), **more: Any) -> Manifest:
    """A container of the programs' image that runs a script of Bash; it is ready once the command `ready` succeeds."""
    probe = {"readinessProbe": {"exec": {"command": list(ready)}, "periodSeconds": 1, "timeoutSeconds": 5}}
    return {"image": PROGRAM_IMAGE, "command": ["/bin/bash", "-ec", script], **(probe if ready else {}), **more}
