"""Kubernetes objects and Helm releases, registered as by the SDK, but without its class for each kind.

Importing these classes (pulumi_kubernetes.core, .apps and .helm) takes longer than everything else in the program, at
each preview and each update. Fields have the names of the Kubernetes API, in inputs and in outputs.
"""

from typing import Any

import pulumi

POD_SECURITY = "pod-security.kubernetes.io/enforce"
"""The label of a namespace that says how privileged its pods may be: privileged, baseline or restricted."""
RELEASE = "kubernetes:helm.sh/v3:Release"
OWNER = "multimesh/owner"
"""The annotation that names what created an object: the Pulumi provider, which no other stack has, and the resource."""


class KubernetesObject(pulumi.CustomResource):
    """One object of any kind. Outputs: metadata, spec, status and data as the API server has them; None if absent."""

    data: pulumi.Output[Any]
    metadata: pulumi.Output[Any]
    spec: pulumi.Output[Any]
    status: pulumi.Output[Any]

    def __init__(
        self,
        resource_name: str,
        api_version: str,
        kind: str,
        *,
        opts: pulumi.ResourceOptions,
        **fields: pulumi.Input[Any],
    ) -> None:
        group = api_version if "/" in api_version else f"core/{api_version}"
        if kind == "Secret":
            hidden = ["data", "stringData"]
            fields |= {key: pulumi.Output.secret(fields[key]) for key in hidden if key in fields}
            opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=hidden))
        if isinstance(opts.provider, pulumi.ProviderResource) and not opts.id:
            fields["metadata"] = _owned(fields["metadata"], pulumi.Output.concat(opts.provider.id, "/", resource_name))
        made_from = {} if opts.id else {"apiVersion": api_version, "kind": kind, **fields}
        outputs = dict.fromkeys(("data", "metadata", "spec", "status"))
        super().__init__(f"kubernetes:{group}:{kind}", resource_name, {**outputs, **made_from}, opts)


def _owned(metadata: Any, owner: pulumi.Output[str]) -> dict[str, Any]:
    return {**metadata, "annotations": {**metadata.get("annotations", {}), OWNER: owner}}


def find(
    resource_name: str, api_version: str, kind: str, id: pulumi.Input[str], *, opts: pulumi.ResourceOptions
) -> KubernetesObject:
    """Return an existing object that this stack does not own; `id` is `<namespace>/<name>`."""
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
    return KubernetesObject(resource_name, api_version, kind, opts=opts)


class Release(pulumi.CustomResource):
    """One Helm release. Outputs: status, with its `namespace` and `name` in the cluster."""

    status: pulumi.Output[Any]

    def __init__(self, resource_name: str, *, opts: pulumi.ResourceOptions, **arguments: pulumi.Input[Any]) -> None:
        inputs = {"compat": "true", "status": None, **arguments}
        super().__init__(RELEASE, resource_name, inputs, opts)
