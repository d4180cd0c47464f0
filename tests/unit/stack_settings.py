"""Configurations that are right but for what a test gives."""

from typing import Any

import yaml

LOCAL = {"cluster": {"kind": "local"}}
MESHES = {"east": LOCAL, "west": LOCAL}
ECHO = {"name": "echo", "namespace": "demo", "port": 80, "service_account": "echo"}
KUBECONFIG = yaml.safe_dump(
    {
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "it"}}, {"name": "lost", "context": {"cluster": "gone"}}],
        "clusters": [{"name": "it", "cluster": {"server": "https://it:6443"}}],
    }
)


def mesh(**given: Any) -> dict[str, Any]:
    return {"meshes": {"east": given, "west": LOCAL}}


def existing(**given: Any) -> dict[str, Any]:
    return mesh(cluster={"kind": "existing", "kubeconfig": KUBECONFIG, **given})


def service(**given: Any) -> dict[str, Any]:
    return {"meshes": MESHES, "services": [ECHO | given]}


def other(**given: Any) -> dict[str, Any]:
    return {"meshes": MESHES, **given}


def single_mesh(*clusters: str, **given: Any) -> dict[str, Any]:
    """Return a single mesh of these clusters, or of east and west, with more keys of its topology."""
    meshes = dict.fromkeys(clusters, LOCAL) or MESHES
    return {"meshes": meshes, "topology": {"kind": "single-mesh", "network": "flat", **given}}


def spanning(**given: Any) -> dict[str, Any]:
    return single_mesh() | {"services": [ECHO | given]}
