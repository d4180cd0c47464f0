"""Kubeconfigs: which cluster a provider means, and how to authenticate there.

Read here and not by the official client's loader, which leaves private keys in temporary files when its process is
killed, and whose import takes longer than all else that this plugin does to start.
"""

import base64
import json
import os
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.plugins.kubernetes.memory import memory_file, path
from lab.plugins.server import PluginError


class UnreachableError(PluginError):
    """A cluster that cannot be reached."""


class KubeconfigError(UnreachableError):
    """A kubeconfig that cannot be read, or lacks what it refers to."""


@dataclass(frozen=True)
class Kubeconfig:
    """The one context of a kubeconfig that is used: its cluster, its user, its default namespace."""

    cluster: dict[str, Any]
    user: dict[str, Any]
    namespace: str

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self.cluster["server"].rstrip("/")

    def tls(self) -> ssl.SSLContext:
        """Trust the cluster's CA, and present the user's certificate if there is one."""
        authority = _data(self.cluster, "certificate-authority")
        context = ssl.create_default_context(cadata=authority or None)
        if self.cluster.get("insecure-skip-tls-verify"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        user = self.user | self._credentials()
        if certificate := _data(user, "client-certificate"):
            with memory_file(certificate + "\n" + _data(user, "client-key")) as descriptor:
                context.load_cert_chain(path(descriptor))
        return context

    def headers(self) -> dict[str, str]:
        """Return the HTTP headers that identify the user: a bearer token, a password, or none."""
        user = self.user | self._credentials()
        if token := user.get("token") or ("tokenFile" in user and Path(user["tokenFile"]).read_text().strip()):
            return {"Authorization": f"Bearer {token}"}
        if "username" in user:
            password = base64.b64encode(f"{user['username']}:{user.get('password', '')}".encode()).decode()
            return {"Authorization": f"Basic {password}"}
        return {}

    def _credentials(self) -> dict[str, str]:
        """Run the user's credential plugin, if any, as client.authentication.k8s.io describes it."""
        plugin = self.user.get("exec")
        if not plugin:
            return {}
        variables: dict[str, str] = {entry["name"]: entry["value"] for entry in plugin.get("env") or []}
        info = {"apiVersion": plugin["apiVersion"], "kind": "ExecCredential", "spec": {"interactive": False}}
        try:
            answer = subprocess.run(
                [plugin["command"], *(plugin.get("args") or [])],
                env=os.environ | variables | {"KUBERNETES_EXEC_INFO": json.dumps(info)},
                capture_output=True,
                check=True,
                timeout=60,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise KubeconfigError(f"the credential plugin {plugin['command']} failed: {error}") from error
        status: dict[str, str] = json.loads(answer.stdout)["status"]
        names = {"clientCertificateData": "client-certificate-inline", "clientKeyData": "client-key-inline"}
        return {names.get(name, name): value for name, value in status.items()}

    def text(self) -> str:
        """Return a kubeconfig of this one context, for programs that read one."""
        name = "default"
        context = {"cluster": name, "user": name, "namespace": self.namespace}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": name,
                "clusters": [{"name": name, "cluster": self.cluster}],
                "users": [{"name": name, "user": self.user}],
                "contexts": [{"name": name, "context": context}],
            }
        )


def load(content_or_path: str, context: str = "", cluster: str = "") -> Kubeconfig:
    """Read a kubeconfig, given as its content or its path; "" is $KUBECONFIG or ~/.kube/config.

    `context` and `cluster` choose other ones than the kubeconfig does. Raises KubeconfigError.
    """
    try:
        document = _read(content_or_path)
        chosen = _named(document, "contexts", "context", context or document.get("current-context", ""))
        return Kubeconfig(
            _named(document, "clusters", "cluster", cluster or chosen.get("cluster", "")),
            _named(document, "users", "user", chosen["user"]) if chosen.get("user") else {},
            chosen.get("namespace") or "default",
        )
    except (OSError, yaml.YAMLError, AttributeError, TypeError) as error:
        raise KubeconfigError(f"failed to parse kubeconfig data: {error}") from error


def _read(content_or_path: str) -> dict[str, Any]:
    text = content_or_path or os.environ.get("KUBECONFIG") or "~/.kube/config"
    folder = Path()
    if "\n" not in text and not text.lstrip().startswith("{"):
        file = Path(text.split(os.pathsep)[0]).expanduser()
        text, folder = file.read_text(), file.parent.absolute()
    document = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 both are safe loaders
    for entries, kind in (("clusters", "cluster"), ("users", "user")):
        for entry in document.get(entries) or []:
            for key in ("certificate-authority", "client-certificate", "client-key", "tokenFile"):
                if entry[kind].get(key):
                    entry[kind][key] = str(folder / entry[kind][key])
    return document


def _named(document: dict[str, Any], entries: str, kind: str, name: str) -> dict[str, Any]:
    for entry in document.get(entries) or []:
        if entry["name"] == name:
            return entry.get(kind) or {}
    raise KubeconfigError(f'{kind} "{name}" does not exist in the kubeconfig')


def _data(entry: dict[str, Any], key: str) -> str:
    """A PEM that the entry gives in base64 (-data), by its path, or as it is (-inline, of a credential plugin)."""
    if inline := entry.get(key + "-inline"):
        return inline
    if data := entry.get(key + "-data"):
        return base64.b64decode(data).decode()
    return Path(entry[key]).read_text() if entry.get(key) else ""
