"""A helm that only writes down what it is told, and the record that the real one would leave in the cluster."""

import base64
import gzip
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
from plugin_api_server import ApiServer

from lab.plugins.values import Properties

RELEASE = "helm.sh/v3:Release"
URN = f"urn:pulumi:local::multimesh::kubernetes:{RELEASE}::echo"
INPUTS: Properties = {"name": "echo", "namespace": "demo", "chart": "./echo", "values": {"replicas": 2}, "timeout": 60}
SECRETS = "/api/v1/namespaces/demo/secrets"

MANIFEST = """---
# Source: echo/templates/all.yaml
apiVersion: v1
kind: ServiceAccount
metadata:
  name: echo
  namespace: demo
---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels: {app: echo}
  name: echo
spec:
  template:
    metadata:
      name: not-this-one
---
# nothing but a comment
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: echo}
rules:
- apiGroups: [""]
  kind: neither-this
"""

_HELM = """
import json, os, pathlib, sys
arguments = sys.argv[1:]
log = pathlib.Path(os.environ["HELM_LOG"])
entry = {"arguments": arguments}
for option in ("--values", "--kubeconfig"):
    if option in arguments:
        file = pathlib.Path(arguments[arguments.index(option) + 1])
        entry[option] = json.loads(file.read_text())
        entry["mode"] = oct(file.stat().st_mode & 0o777)
with log.open("a") as file:
    file.write(json.dumps(entry) + "\\n")
print(os.environ.get("HELM_OUTPUT", ""))
if os.environ.get("HELM_FAILS") in arguments:
    sys.exit("Error: " + os.environ.get("HELM_ERROR", "UPGRADE FAILED: context deadline exceeded"))
"""


@dataclass
class FakeHelm:
    """What helm was told, one entry a run."""

    log: Path

    @classmethod
    @contextmanager
    def on_path(cls, folder: Path) -> Iterator[Self]:
        """Put this helm on PATH until the end of the block."""
        program = folder / "helm"
        program.write_text(f"#!{sys.executable} -IS\n{_HELM}")
        program.chmod(0o755)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", str(folder), prepend=os.pathsep)
            patch.setenv("HELM_LOG", str(folder / "log"))
            yield cls(folder / "log")

    @property
    def runs(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    @property
    def verbs(self) -> list[str]:
        return [run["arguments"][0] for run in self.runs]


def recorded(server: ApiServer, *statuses: str, values: Properties | None = None) -> None:
    """Let helm have recorded revisions of the release in these states."""
    items = []
    for revision, status in enumerate(statuses, 1):
        release = {
            "name": "echo",
            "namespace": "demo",
            "version": revision,
            "info": {"status": status},
            "chart": {"metadata": {"name": "echo", "version": "1.2.3", "appVersion": "9"}},
            "config": INPUTS["values"] if values is None else values,
            "manifest": MANIFEST,
        }
        data = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
        labels = {"version": str(revision), "status": status}
        items.append({"metadata": {"labels": labels}, "data": {"release": data}})
    server.objects[SECRETS] = {"items": items}
