"""What Istio's own `istioctl analyze` says of the objects in the clusters of a mesh."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from multimesh.control_plane import ControlPlane

PROGRAM = "istioctl"
_SECONDS = 20
"""It waits without end for a list that the kubeconfig's user may not read."""


@dataclass(frozen=True)
class Message:
    """One finding: Istio's code (`IST0101`), its level (`Error`, `Warning`), of which object, where to read more."""

    code: str
    level: str
    kind: str
    namespace: str
    """Empty for what is in no namespace; of a Namespace, its own name."""
    name: str
    text: str
    url: str

    @property
    def origin(self) -> str:
        """Of which object it is."""
        return f"{self.kind} {self.name}" if self.kind == "Namespace" else f"{self.kind} {self.namespace}/{self.name}"


def is_installed() -> bool:
    """Return whether istioctl is on PATH."""
    return shutil.which(PROGRAM) is not None


def analyze(kubeconfigs: Mapping[str, SecretStr], mesh: str, plane: ControlPlane) -> Sequence[Message] | str:
    """Return what istioctl finds in a mesh, or why it cannot be asked.

    `kubeconfigs` are those of the cluster of its control plane, `mesh`, and of the other clusters of the same mesh.
    istioctl takes them from a file, which is in a private folder and deleted at the end.
    """
    command = [PROGRAM, "analyze", "--all-namespaces", "--output=json", "--output-threshold=Warning", "--color=false"]
    command += [f"--context={mesh}", f"--istioNamespace={plane.namespace}", f"--revision={plane.revision}"]
    command += [f"--remote-contexts={other}" for other in kubeconfigs if other != mesh]
    with tempfile.TemporaryDirectory() as private:
        file = Path(private) / "kubeconfig"
        file.write_text(yaml.safe_dump(merged(kubeconfigs)))
        try:
            done = subprocess.run(
                [*command, f"--kubeconfig={file}"], capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return f"istioctl analyze did not finish within {_SECONDS} s: may the kubeconfig's user list everything?"
    if done.returncode:
        return f"istioctl analyze: {(done.stderr.strip() or f'exit code {done.returncode}').splitlines()[-1]}"
    try:
        return [_message(one) for one in json.loads(done.stdout or "null") or ()]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return f"istioctl analyze prints something else than messages: {error!r}"


def merged(kubeconfigs: Mapping[str, SecretStr]) -> dict[str, Any]:
    """Return one kubeconfig with a context of each mesh's name."""
    parts: dict[str, list[Any]] = {"clusters": [], "users": [], "contexts": []}
    for mesh, text in kubeconfigs.items():
        document = yaml.safe_load(text.get_secret_value())
        context = _named(document["contexts"], document["current-context"])["context"]
        cluster = _named(document["clusters"], context["cluster"])["cluster"]
        user = _named(document["users"], context["user"])["user"]
        parts["clusters"].append({"name": mesh, "cluster": cluster})
        parts["users"].append({"name": mesh, "user": user})
        parts["contexts"].append({"name": mesh, "context": {"cluster": mesh, "user": mesh}})
    return {"apiVersion": "v1", "kind": "Config", **parts}


def _named(entries: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(one for one in entries if one["name"] == name)


def _message(said: Mapping[str, Any]) -> Message:
    kind, _, place = said.get("origin", "").partition(" ")
    namespace, _, name = place.rpartition("/")
    if kind == "Namespace":
        namespace = name
    link = said.get("documentationUrl", "").partition("?")[0]
    return Message(said["code"], said["level"], kind, namespace, name, said["message"], link)
