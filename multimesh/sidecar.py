"""The proxy in a pod: its container, and Envoy's administration interface over a Kubernetes port-forward."""

import socket
from http.client import HTTPConnection
from typing import Any

from kubernetes import client
from kubernetes.stream import portforward
from kubernetes.stream.ws_client import PortForward

from multimesh.injection import PROXY

ADMIN_PORT = 15000
"""Envoy's administration interface, on the loopback address of every pod with a sidecar."""


def containers(pod: Any) -> list[Any]:
    """Return the proxy's container of a pod: one, or none."""
    return [one for one in [*pod.spec.containers, *(pod.spec.init_containers or [])] if one.name == PROXY]


def administration(
    api: client.CoreV1Api, namespace: str, pod: str, seconds: float
) -> tuple[PortForward, HTTPConnection]:
    """Return a port-forward, which the caller closes, and the connection over it, whose answers may take `seconds`.

    Raise and change what `forwarded` does.
    """
    forward, connected = forwarded(api, namespace, pod, ADMIN_PORT, seconds)
    connection = HTTPConnection("localhost")
    connection.sock = connected
    return forward, connection


def forwarded(
    api: client.CoreV1Api, namespace: str, pod: str, port: int, seconds: float
) -> tuple[PortForward, socket.socket]:
    """Return a port-forward, which the caller closes, and its socket, whose answers may take `seconds`.

    The client of `api` is changed while the port-forward begins, so no other thread may use it meanwhile.
    Raise the errors of the Kubernetes client, of websocket-client, and OSError.
    """
    forward: PortForward = portforward(api.connect_get_namespaced_pod_portforward, pod, namespace, ports=str(port))
    connected: socket.socket = forward.socket(port)
    connected.settimeout(seconds)
    return forward, connected
