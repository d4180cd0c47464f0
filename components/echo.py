"""The sample service: Istio's echo server, which answers with its hostname and the name of its mesh."""

from typing import Any, TypedDict

import pulumi

from components.federation.workload import Workload
from components.istio import MANAGED
from components.mesh.mesh import Mesh
from components.mesh.node_agent import WITH_AGENT
from components.mesh.roles import JOINED
from components.objects import POD_SECURITY, KubernetesObject
from multimesh.contract import SAMPLE

NAME, NAMESPACE = SAMPLE.name, SAMPLE.namespace
CONTAINER_PORT = 8080
# What Kubernetes' level "restricted" asks of a container. The user is none that an image has, and not Istio's 1337.
_CONFINED: Any = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
# A pod that is replaced ends after its sidecar has told callers to go elsewhere, and no sooner: requests that it still
# gets would be answered 503. The image has no sleep; its server answers this request after the time.
_GOES_ON_ANSWERING = ["/usr/local/bin/client", f"http://127.0.0.1:{CONTAINER_PORT}/?delay=3s"]
WORKLOAD = Workload(SAMPLE.labels, {SAMPLE.port: "http"}, {SAMPLE.port: [CONTAINER_PORT]})


class EchoArgs(TypedDict):
    """The arguments of the sample service."""

    mesh: Mesh
    image: str
    """Istio's echo image: it has the server, and the client with which `multimesh verify` calls inside a mesh."""


class Echo(pulumi.ComponentResource):
    """The sample service of one mesh, in a namespace with sidecar injection."""

    service: KubernetesObject

    def __init__(self, name: str, args: EchoArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("multimesh:index:Echo", name, {"image": args["image"]}, opts)
        mesh = args["mesh"]
        own = mesh.cluster.child_options(self)

        # Namespace and identity
        plane = mesh.role.plane
        injected = dict([plane.injection])
        # Istio's init container has NET_ADMIN, which a stricter level refuses. With the node agent there is none, once
        # the control plane knows of it.
        level = "restricted" if mesh.cni else "privileged"
        namespace = KubernetesObject(
            f"{name}-namespace",
            "v1",
            "Namespace",
            metadata={"name": NAMESPACE, "labels": {**injected, POD_SECURITY: level, **MANAGED}},
            # Before there is a control plane of its revision, nobody would inject a sidecar.
            opts=mesh.cluster.child_options(self, [mesh.control_plane]) if plane.suffix or mesh.cni else own,
        )
        account = KubernetesObject(
            f"{name}-account",
            "v1",
            "ServiceAccount",
            metadata={"name": SAMPLE.service_account, "namespace": namespace.metadata["name"]},
            opts=own,
        )

        # Workload
        KubernetesObject(
            f"{name}-deployment",
            "apps/v1",
            "Deployment",
            metadata={"name": NAME, "namespace": namespace.metadata["name"], "labels": SAMPLE.labels},
            spec={
                "selector": {"matchLabels": SAMPLE.labels},
                "template": {
                    "metadata": {
                        "labels": SAMPLE.labels,
                        "annotations": {JOINED: mesh.role.joined, **({WITH_AGENT: "true"} if mesh.cni else {})},
                    },
                    "spec": {
                        "serviceAccountName": account.metadata["name"],
                        # The sidecar has a token for istiod of its own.
                        "automountServiceAccountToken": False,
                        "containers": [
                            {
                                "name": SAMPLE.container,
                                "image": args["image"],
                                "imagePullPolicy": "IfNotPresent",
                                "command": ["/usr/local/bin/server"],
                                "args": [f"--port={CONTAINER_PORT}", f"--cluster={mesh.name}"],
                                "ports": [{"name": "http", "containerPort": CONTAINER_PORT}],
                                "readinessProbe": {
                                    "httpGet": {"path": "/", "port": CONTAINER_PORT},
                                    "periodSeconds": 2,
                                },
                                "lifecycle": {"preStop": {"exec": {"command": _GOES_ON_ANSWERING}}},
                                "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
                                "securityContext": _CONFINED,
                            }
                        ],
                    },
                },
            },
            opts=mesh.cluster.child_options(self, [mesh.control_plane]),
        )

        # Service
        self.service = KubernetesObject(
            f"{name}-service",
            "v1",
            "Service",
            # Its cluster IP is known at once, so routes need not wait for its pods. Pulumi awaits the Deployment.
            metadata={
                "name": NAME,
                "namespace": namespace.metadata["name"],
                "labels": SAMPLE.labels,
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec={
                "selector": SAMPLE.labels,
                "ports": [{"name": "http", "port": SAMPLE.port, "targetPort": CONTAINER_PORT}],
            },
            opts=own,
        )
        self.register_outputs({})
