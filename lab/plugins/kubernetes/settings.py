"""The provider's own configuration: which cluster, and how to treat its objects."""

import os
from dataclasses import dataclass, field

from lab.plugins.kubernetes.changes import Mutable
from lab.plugins.kubernetes.kubeconfig import Kubeconfig, KubeconfigError, load
from lab.plugins.protocol import provider_pb2
from lab.plugins.values import UNKNOWN, Properties, decode, reveal

_FLAGS = {
    "deleteUnreachable": "PULUMI_K8S_DELETE_UNREACHABLE",
    "skipUpdateUnreachable": "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
}
_CLUSTER = ("kubeconfig", "context", "cluster")


@dataclass(frozen=True)
class Settings:
    """One provider instance's configuration."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    namespace: str = ""
    delete_unreachable: bool = False
    skip_update_unreachable: bool = False
    patch_force: bool = False
    upsert: bool = False
    mutable: Mutable = field(default_factory=Mutable)

    def load_kubeconfig(self) -> Kubeconfig:
        """Read the chosen context. Raises KubeconfigError."""
        return load(self.kubeconfig, self.context, self.cluster)


def read(request: provider_pb2.ConfigureRequest) -> Settings:
    """Read the configuration; a flag that is not set is taken from its environment variable."""
    given = reveal(decode(request.args))
    flags = {flag: str(given.get(flag, os.environ.get(name))).lower() == "true" for flag, name in _FLAGS.items()}
    return Settings(
        kubeconfig=given.get("kubeconfig", ""),
        context=given.get("context", ""),
        cluster=given.get("cluster", ""),
        namespace=given.get("namespace", ""),
        delete_unreachable=flags["deleteUnreachable"],
        skip_update_unreachable=flags["skipUpdateUnreachable"],
        patch_force=flags["enablePatchForce"],
        upsert=flags["upsertExistingObjects"],
        mutable=Mutable(flags["enableConfigMapMutable"], flags["enableSecretMutable"]),
    )


def diff(request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
    """Say what a change of configuration means: another cluster replaces everything in it, all else is an update.

    A clusterIdentifier decides alone whether the cluster is another one; without it, the active cluster of the
    kubeconfig does, and one that is not known yet counts as another.
    """
    old, new = reveal(decode(request.olds)), reveal(decode(request.news))
    changed = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    identifiers = old.get("clusterIdentifier"), new.get("clusterIdentifier")
    if all(identifiers):
        replaces = ["clusterIdentifier"] if identifiers[0] != identifiers[1] else []
    elif any(new.get(name) is UNKNOWN for name in _CLUSTER) or _active(old) != _active(new):
        replaces = [name for name in changed if name in _CLUSTER]
    else:
        replaces = []
    changes = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(changes=changes, diffs=changed, replaces=replaces)


def _active(configuration: Properties) -> object:
    """The cluster that a configuration means, None if that cannot be said."""
    try:
        return load(*(configuration.get(name, "") for name in _CLUSTER)).cluster
    except KubeconfigError:
        return None
