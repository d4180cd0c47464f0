"""The life of one object on the API server: created, changed, awaited, deleted."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.plugins.kubernetes import readiness
from lab.plugins.kubernetes.api import Api, ApiError, Kind, KindUnknownError, Object
from lab.plugins.kubernetes.objects import annotation
from lab.plugins.server import PluginError

_DEFAULT_SECONDS = 600
_FIRST_PAUSE, _LONGEST_PAUSE, _PAUSE_GROWTH = 0.1, 1.0, 1.3  # seconds between two looks
_KIND_ATTEMPTS = 6
_KIND_PAUSE = 0.5  # seconds, doubled at each attempt: 15 in all
_REPAIRABLE = ("kubectl", "before-first-apply", "pulumi-kubernetes")
"""The official plugin's updates take over the fields of these, as far as they did not come by server-side apply.

Those that kubectl applied by the server it takes over, too. (Its fixCSAFieldManagers, provider/pkg/await.)
"""


class NotReadyError(PluginError):
    """An object that exists but did not become ready in time; live is how it was seen last."""

    def __init__(self, message: str, live: Object) -> None:
        super().__init__(message)
        self.live = live


class ConflictError(PluginError):
    """Fields that another field manager set to another value."""


@dataclass(frozen=True)
class Lifecycle:
    """What can be done with objects on one API server; `report` shows what is being waited for."""

    api: Api
    cancelled: threading.Event
    report: Callable[[str], None]

    def kind(self, api_version: str, kind: str) -> Kind:
        """Return the kind. Retry for a while, as its CustomResourceDefinition may still be being installed."""
        for attempt in range(_KIND_ATTEMPTS):
            try:
                return self.api.kind(api_version, kind)
            except KindUnknownError:
                if attempt == _KIND_ATTEMPTS - 1 or self.cancelled.wait(_KIND_PAUSE * 2**attempt):
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def apply(
        self,
        kind: Kind,
        namespace: str,
        wanted: Object,
        manager: str,
        *,
        force: bool = False,
        repair: bool = False,
        dry_run: bool = False,
    ) -> Object:
        """Server-side apply; with `repair`, take over fields that were changed by hand.

        Raises ConflictError for other owners.
        """
        try:
            return self.api.apply(kind, namespace, wanted, manager, force=force, dry_run=dry_run)
        except ApiError as error:
            if error.reason != "Conflict":
                raise
            if repair and is_repairable(str(error)):
                return self.api.apply(kind, namespace, wanted, manager, force=True, dry_run=dry_run)
            raise ConflictError(
                f"Server-Side Apply field conflict detected: {error} (the annotation pulumi.com/patchForce on the "
                "object, or enablePatchForce on its provider, takes the fields over)"
            ) from error

    def await_ready(self, kind: Kind, live: Object, seconds: float) -> Object:
        """Wait until the object is ready and return it as it is then. Raises NotReadyError."""
        if annotation(live, "skipAwait") == "true":
            return live
        name, namespace = live["metadata"]["name"], live["metadata"].get("namespace", "")

        def look() -> bool:
            nonlocal live
            current = self.api.get(kind, namespace, name)
            if current is None:
                raise NotReadyError(f"{live['kind']} {name} was deleted by someone else", live)
            live = current
            try:
                waiting_for = readiness.missing(self.api, live)
            except readiness.FailedError as error:
                raise NotReadyError(str(error), live) from error
            if waiting_for:
                self.report(f"waiting: {waiting_for}")
            return not waiting_for

        if not self._poll(look, seconds):
            waiting_for = readiness.missing(self.api, live)
            reason = "was cancelled" if self.cancelled.is_set() else f"timed out after {seconds:.0f} s"
            raise NotReadyError(f"waiting for {live['kind']} {name} {reason}: {waiting_for}", live)
        return live

    def delete(self, kind: Kind, namespace: str, name: str, propagation: str, seconds: float) -> None:
        """Delete the object and wait until it is gone; do nothing if it does not exist."""
        before = self.api.get(kind, namespace, name)
        if before is None or not self.api.delete(kind, namespace, name, propagation):
            return
        last: Object = before

        def gone() -> bool:
            nonlocal last
            current = self.api.get(kind, namespace, name)
            if current is None or current["metadata"]["uid"] != before["metadata"]["uid"]:
                return True
            if current["metadata"].get("finalizers"):
                self.report(f"waiting for finalizers: {', '.join(current['metadata']['finalizers'])}")
            last = current
            return False

        if seconds and not self._poll(gone, seconds):
            reason = "was cancelled" if self.cancelled.is_set() else f"timed out after {seconds:.0f} s"
            finalizers = ", ".join(last["metadata"].get("finalizers") or ["none"])
            raise PluginError(f"waiting for the deletion of {last['kind']} {name} {reason} (finalizers: {finalizers})")

    def _poll(self, done: Callable[[], bool], seconds: float) -> bool:
        """Look until it is done, the time is over or the run is cancelled; say whether it is done."""
        end, pause = time.monotonic() + seconds, _FIRST_PAUSE
        while not done():
            if time.monotonic() > end or self.cancelled.wait(pause):
                return False
            pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE)
        if pause > _FIRST_PAUSE:
            self.report("")
        return True


def is_repairable(conflict: str) -> bool:
    """Return whether an update takes over the fields of every manager that the API server's message names.

    The message names the API version ("using v1") that a manager used, unless it used server-side apply.
    """
    owners = re.findall(r'conflicts? with "([^"]+)"(?: with subresource "[^"]+")?( using)?', conflict)
    return bool(owners) and all(owner.startswith(_REPAIRABLE if using else "kubectl") for owner, using in owners)


def patience(inputs: Object, requested: float) -> float:
    """Return how many seconds to wait: as the resource's customTimeouts say, or its annotation, or ten minutes."""
    return requested or float(annotation(inputs, "timeoutSeconds") or _DEFAULT_SECONDS)
