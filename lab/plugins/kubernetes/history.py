"""Helm's own record of a release, as it keeps it in the cluster: a Secret per revision.

Source of the format: Helm's documentation of its storage backends (driver "secret").
"""

import base64
import gzip
import json
from dataclasses import dataclass
from typing import Any

from lab.plugins.kubernetes.api import Api, Kind

_SECRETS = Kind("v1", "secrets", namespaced=True)


@dataclass(frozen=True)
class Record:
    """The newest revision of a release as helm writes it."""

    release: dict[str, Any]

    @property
    def status(self) -> str:
        """Helm's word for the state: deployed, failed, pending-install, pending-upgrade, pending-rollback, ..."""
        return self.release["info"]["status"]

    @property
    def revision(self) -> int:
        """How many times the release was installed or upgraded."""
        return self.release["version"]


def latest(api: Api, namespace: str, name: str) -> Record | None:
    """Return the record of a release, None if there is no such release."""
    secrets = api.list(_SECRETS, namespace, f"owner=helm,name={name}")
    if not secrets:
        return None
    newest = max(secrets, key=lambda secret: int(secret["metadata"]["labels"]["version"]))
    return Record(json.loads(gzip.decompress(base64.b64decode(base64.b64decode(newest["data"]["release"])))))
