"""A third mesh, north, in a cluster that is none of the stack's."""

from pathlib import Path
from typing import Any

from components.clusters.local import cluster as local
from lab.cluster import Cluster
from lab.paths import IMAGE_HUB, IMAGE_TAG
from lab.stack import Stack

Config = dict[str, Any]


def join(stack: Stack, guest: Cluster, address: str, folder: Path, **settings: str) -> None:
    """Let the guest be a mesh of the stack, its gateway at `address`; `folder` takes its kubeconfig.

    `settings` are others of its cluster.
    """
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(guest.kubeconfig)
    stack.configure(lambda config: config.update(_with_north(config, kubeconfig, address, settings)))
    stack.up()


def _with_north(config: Config, kubeconfig: Path, address: str, settings: Config) -> Config:
    gateway = {"service": "NodePort", "address": address}
    existing = {"kind": "existing", "kubeconfig": str(kubeconfig), "gateway": gateway, **settings}
    [echo] = config["multimesh:services"]
    return {
        "multimesh:meshes": config["multimesh:meshes"] | {"north": {"cluster": existing}},
        "multimesh:services": [echo | {"meshes": {"east": 50, "west": 50, "north": 50}}],
        **platform(),
    }


def platform() -> Config:
    """What the lab's clusters get by themselves: an existing one cannot pull images either."""
    lab = local.platform()
    values = {chart: of_chart for chart, of_chart in lab.values.items() if chart != "cni"}  # no mesh has the node agent
    return {
        "multimesh:istio": {"charts": lab.charts, "hub": IMAGE_HUB, "tag": IMAGE_TAG, "values": values},
        "multimesh:sample_image": lab.sample_image,
    }


def take_out(stack: Stack) -> None:
    """Bring the stack back to its two meshes; nothing to do if it has no other."""
    stack.configure(_without_north)
    stack.up()


def _without_north(config: Config) -> None:
    if "north" not in config["multimesh:meshes"]:
        return
    [echo] = config["multimesh:services"]
    del config["multimesh:meshes"]["north"], config["multimesh:istio"], config["multimesh:sample_image"]
    del echo["meshes"]["north"]
