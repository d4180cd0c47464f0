"""The preflight of a cluster on GKE: a project, credentials, and the plugin that its kubeconfig names."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from components.clusters import sdk
from components.clusters.gke.kubeconfig import INSTALL_HINT, PLUGIN
from components.clusters.gke.settings import GkeClusterSettings
from components.clusters.missing import Missing, placeholders
from components.schema.problems import ABSENT

_PRODUCT = Path("/sys/class/dmi/id/product_name")
_LOGIN = "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a credentials file"


def missing(settings: GkeClusterSettings) -> Iterator[Missing]:
    """Yield what is missing before the cluster can be created."""
    yield from sdk.missing("gke", "pulumi-gcp", "gcp")
    yield from placeholders(settings.api_cidrs)
    if not settings.project_id:
        yield Missing(("project",), ABSENT, "is missing; set it, or the environment variable GOOGLE_CLOUD_PROJECT")
    if fault := _credentials():
        yield Missing((), ABSENT, fault)
    if not shutil.which(PLUGIN):
        yield Missing((), ABSENT, f"{PLUGIN} is not on PATH; {INSTALL_HINT}")


def unreadable(_settings: GkeClusterSettings) -> Sequence[Missing]:
    """Return nothing: other clusters reach the API server at the address in the kubeconfig."""
    return ()


def pod_cidrs(settings: GkeClusterSettings) -> Sequence[str]:
    """Return the configured pod CIDR."""
    return [settings.pod_cidr]


def _credentials() -> str:
    """Return why there are no application default credentials; "" if there are some.

    They come from the file that GOOGLE_APPLICATION_CREDENTIALS names, from gcloud's own file, or from the metadata
    server of a machine at Google: https://cloud.google.com/docs/authentication/application-default-credentials
    """
    if named := os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
        fault = _file_fault(Path(named))
        return fault and f"GOOGLE_APPLICATION_CREDENTIALS is {named}: {fault}"
    folder = Path(os.environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config/gcloud")
    stored = folder / "application_default_credentials.json"
    if stored.exists():
        fault = _file_fault(stored)
        return fault and f"{stored}: {fault}; {_LOGIN}"
    return "" if _at_google() else f"no credentials for Google Cloud; {_LOGIN}"


def _file_fault(file: Path) -> str:
    try:
        content = json.loads(file.read_text())
    except OSError as error:
        return error.strerror or "it cannot be read"
    except ValueError:
        content = None
    return "" if isinstance(content, dict) and "type" in content else "is not a Google credentials file"


def _at_google() -> bool:
    return _PRODUCT.exists() and _PRODUCT.read_text().startswith("Google")
