"""The sample service: Istio's echo server, which answers with its hostname and its mesh."""

from typing import TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.mesh import Mesh
from components.settings import SAMPLE

NAME, NAMESPACE = SAMPLE["name"], SAMPLE["namespace"]
_CONTAINER_PORT = 8080


class EchoArgs(TypedDict):
    """What the sample service is made from."""

    mesh: Mesh
    image: str
    """Istio's echo image: /usr/local/bin/server, and the client by which `verify` asks from inside."""


class Echo(pulumi.ComponentResource):
    """The echo service of one mesh, in a namespace whose pods get a sidecar."""

    service: kubernetes.core.v1.Service

    def __init__(self, name: str, args: EchoArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("multimesh:index:Echo", name, {"image": args["image"]}, opts)
        mesh = args["mesh"]
        own = mesh.cluster.child_options(self)

        # Namespace and identity
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={"name": NAMESPACE, "labels": {"istio-injection": "enabled"}},
            opts=own,
        )
        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-account",
            metadata={"name": SAMPLE["service_account"], "namespace": namespace.metadata.name},
            opts=own,
        )

        # Workload
        kubernetes.apps.v1.Deployment(
            f"{name}-deployment",
            metadata={"name": NAME, "namespace": namespace.metadata.name, "labels": {"app": NAME}},
            spec={
                "selector": {"match_labels": {"app": NAME}},
                "template": {
                    "metadata": {"labels": {"app": NAME}},
                    "spec": {
                        "service_account_name": account.metadata.name,
                        "containers": [
                            {
                                "name": "app",
                                "image": args["image"],
                                "image_pull_policy": "IfNotPresent",
                                "command": ["/usr/local/bin/server"],
                                "args": [f"--port={_CONTAINER_PORT}", f"--cluster={mesh.name}"],
                                "ports": [{"name": "http", "container_port": _CONTAINER_PORT}],
                                "readiness_probe": {
                                    "http_get": {"path": "/", "port": _CONTAINER_PORT},
                                    "period_seconds": 2,
                                },
                                "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
                            }
                        ],
                    },
                },
            },
            opts=mesh.cluster.child_options(self, [mesh.control_plane]),
        )

        # Service
        self.service = kubernetes.core.v1.Service(
            f"{name}-service",
            # Its address is known at once, so routes need not wait for the pods; the Deployment does.
            metadata={
                "name": NAME,
                "namespace": namespace.metadata.name,
                "labels": {"app": NAME},
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec={
                "selector": {"app": NAME},
                "ports": [{"name": "http", "port": SAMPLE["port"], "target_port": _CONTAINER_PORT}],
            },
            opts=own,
        )
        self.register_outputs({})
