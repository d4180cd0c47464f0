"""The dynamic provider that starts, watches and stops clusters of the lab.

Pulumi calls the provider's methods in another process, which finds this module by its name. The methods import the lab
themselves, so that Pulumi stores only a reference to the provider.
"""

import os
from pathlib import Path
from typing import Any

import pulumi
from pulumi import dynamic

from components.dynamic_errors import without_tracebacks


def _report(line: str) -> None:
    print(line, flush=True)


def _owner() -> str:
    """Return what distinguishes this stack from others with the same name: its checkout and its backend."""
    return f"{Path.cwd()} {os.environ.get('PULUMI_BACKEND_URL', '')}"


@without_tracebacks
class LabProvider(dynamic.ResourceProvider):
    """Start, watch and stop clusters of the lab.

    Outputs: `address`, `kubeconfig`, `pod_cidr`, `service_cidr`, and `faults`: a line for each part that does not run.
    """

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Reject images that differ from those of the existing cluster: they would need a new, empty cluster."""
        had = _olds.get("images", news["images"])
        failures = [] if had == news["images"] else [dynamic.CheckFailure("", _made_of_others(had, news))]
        return dynamic.CheckResult(news, failures)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Create the cluster and return its outputs; its id is the lab's."""
        from lab import cluster

        created = cluster.create(props["name"], _report, _owner(), flat=props["flat"])
        return dynamic.CreateResult(created.id, _outputs(created, props, []))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Compare the inputs, and check that the cluster runs, so that a plain `up` restarts a cluster that stopped.

        The name contains the stack: a cluster that was moved to another stack's state gets a new name and owner.
        """
        from lab import cluster

        moved = _olds["name"] != _news["name"]
        rerouted = _olds.get("flat", False) != _news["flat"]
        return dynamic.DiffResult(changes=moved or rerouted or bool(_olds["faults"]) or bool(cluster.faults(_id)))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Start what does not run; rename the cluster first if it was moved to another stack."""
        from lab import cluster

        if _olds["name"] != _news["name"]:
            cluster.rename(_id, _news["name"], _owner())
        return dynamic.UpdateResult(_outputs(cluster.start(_id, _report, flat=_news["flat"]), _news, []))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Return the cluster with its current faults; nothing if there is no such cluster."""
        from lab import cluster

        found = cluster.read(id_)
        if found is None:
            return dynamic.ReadResult(None, {})
        return dynamic.ReadResult(id_, _outputs(found, props, cluster.faults(id_)))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Destroy the cluster, whatever state it is in."""
        from lab import cluster

        cluster.destroy(_id, _report)


def _made_of_others(images: str, wanted: dict[str, Any]) -> str:
    return (
        f"cluster {wanted['name']} was made with images {images} of another version of the lab, but this version has "
        f"{wanted['images']}: return to that version, or run `pulumi destroy` and then `pulumi up`"
    )


def _outputs(cluster: Any, made_from: dict[str, Any], faults: list[str]) -> dict[str, Any]:
    return {
        "name": cluster.name,
        "images": made_from["images"],
        "flat": made_from["flat"],
        "address": cluster.address,
        "kubeconfig": cluster.kubeconfig,
        "pod_cidr": cluster.pod_cidr,
        "service_cidr": cluster.service_cidr,
        "faults": faults,
    }


class LabCluster(dynamic.Resource, module="multimesh", name="LabCluster"):
    """One cluster of the lab; `name` is its name in the lab's commands, `images` is the tag of its images.

    In a `flat` network, its pods and those of other such clusters reach each other.
    """

    address: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]

    def __init__(self, resource_name: str, name: str, images: str, opts: pulumi.ResourceOptions, *, flat: bool) -> None:
        outputs = dict.fromkeys(("address", "kubeconfig", "pod_cidr", "service_cidr", "faults"))
        super().__init__(
            LabProvider(),
            resource_name,
            {"name": name, "images": images, "flat": flat, **outputs},
            pulumi.ResourceOptions.merge(
                opts,
                # An owner can have only one cluster of a name at a time.
                pulumi.ResourceOptions(additional_secret_outputs=["kubeconfig"], delete_before_replace=True),
            ),
        )
