"""The requests of the Kubernetes provider, for objects of any kind; those for Helm releases go to release.py."""

import functools
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

from google.protobuf import empty_pb2

from lab.plugins.kubernetes import objects, readiness, settings
from lab.plugins.kubernetes.api import Api, ApiError, Kind, KindUnknownError, Object
from lab.plugins.kubernetes.changes import Change, differences, dotted, moved, needs_replacement
from lab.plugins.kubernetes.kubeconfig import KubeconfigError, UnreachableError
from lab.plugins.kubernetes.lifecycle import Lifecycle, NotReadyError, patience
from lab.plugins.kubernetes.release import Releases
from lab.plugins.protocol import provider_pb2
from lab.plugins.server import PartialError, PluginError, Provider
from lab.plugins.values import Properties, conceal, decode, encode, has_unknown, reveal

_RELEASE = ("helm.sh/v3", "Release")
_UNREACHABLE = "configured Kubernetes cluster is unreachable"
_DROP_HINT = (
    "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the "
    'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"'
)
_KINDS = provider_pb2.PropertyDiff
_CHANGES = {  # updated in place, replaced
    Change.ADD: (_KINDS.ADD, _KINDS.ADD_REPLACE),
    Change.DELETE: (_KINDS.DELETE, _KINDS.DELETE_REPLACE),
    Change.UPDATE: (_KINDS.UPDATE, _KINDS.UPDATE_REPLACE),
}


class Kubernetes(Provider):
    """The Kubernetes provider for one cluster."""

    package = "kubernetes"

    def __init__(self) -> None:
        super().__init__()
        self.settings = settings.Settings()
        self._connecting = threading.Lock()

    def diff_config(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        return settings.diff(request)

    def configure(self, request: provider_pb2.ConfigureRequest) -> provider_pb2.ConfigureResponse:
        self.settings = settings.read(request)
        with suppress(KubeconfigError):
            self.api.reach()
        return super().configure(request)

    @functools.cached_property
    def _api(self) -> Api:
        return Api(self.settings.load_kubeconfig())

    @property
    def api(self) -> Api:
        """The cluster's API. Raises KubeconfigError."""
        with self._connecting:
            return self._api

    @property
    def default_namespace(self) -> str:
        """The namespace of objects that name none."""
        try:
            return self.settings.namespace or self.settings.load_kubeconfig().namespace
        except KubeconfigError:
            return "default"

    @functools.cached_property
    def releases(self) -> Releases:
        return Releases(self)

    def _lifecycle(self, urn: str) -> Lifecycle:
        return Lifecycle(self.api, self.cancelled, functools.partial(self.log, urn=urn, status=True))

    def _is_namespaced(self, api_version: str, kind: str) -> bool:
        """As the server says; without a server, or of a kind that is still to be installed, what is likely."""
        try:
            return self.api.kind(api_version, kind).namespaced
        except (UnreachableError, KindUnknownError):
            return kind not in objects.CLUSTER_SCOPED

    def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        if objects.token(request.urn) == _RELEASE:
            return self.releases.check(request)
        news = objects.with_data(decode(request.news))
        inputs, old = reveal(news), reveal(decode(request.olds))
        inputs["apiVersion"] = inputs.get("apiVersion", "").removeprefix("core/")
        objects.name_object(inputs, old, request)
        metadata = inputs["metadata"]
        nowhere = isinstance(metadata, dict) and not metadata.get("namespace")
        if nowhere and self._is_namespaced(inputs["apiVersion"], inputs["kind"]):
            metadata["namespace"] = self.default_namespace
        return provider_pb2.CheckResponse(inputs=encode(conceal(inputs, news)))

    def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        if objects.token(request.urn) == _RELEASE:
            return self.releases.diff(request)
        old, live, _ = objects.parse_checkpoint(decode(request.olds))
        old, live, new = reveal(objects.with_data(old)), reveal(live), reveal(decode(request.news))
        api_version, kind = new["apiVersion"], new["kind"]
        if not self._is_namespaced(api_version, kind):
            for inputs in (old, new):
                inputs.get("metadata", {}).pop("namespace", None)
        details = {}
        for path, change in differences(old, new).items():
            replace = needs_replacement(path, objects.group(api_version), kind, self.settings.mutable)
            details[dotted(path)] = _KINDS(kind=_CHANGES[change][replace], inputDiff=True)
        replacing = [entry[1] for entry in _CHANGES.values()]
        replaces = [path for path, detail in details.items() if detail.kind in replacing]
        same_place = all(new["metadata"].get(key) == live["metadata"].get(key) for key in ("name", "namespace"))
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if details else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and same_place and not objects.is_autonamed(new),
            detailedDiff=details,
            hasDetailedDiff=True,
        )

    def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        if objects.token(request.urn) == _RELEASE:
            return self.releases.create(request)
        inputs = decode(request.properties)
        wanted = objects.for_api(reveal(inputs))
        manager = objects.field_manager(wanted)
        if request.preview:
            return provider_pb2.CreateResponse(properties=encode(self._plan(inputs, wanted, manager, exists=False)))
        with _saying(f'resource "{request.urn}" was not successfully created by the Kubernetes API server'):
            lifecycle = self._lifecycle(request.urn)
            kind = lifecycle.kind(wanted["apiVersion"], wanted["kind"])
            namespace, _ = self._place(kind, wanted)
            if self.settings.upsert:
                live = lifecycle.apply(kind, namespace, wanted, manager, force=self._force(wanted))
            else:
                live = self.api.create(kind, namespace, wanted, manager)
        live = self._await(lifecycle, kind, live, inputs, manager, request.timeout)
        state = objects.checkpoint(inputs, live, manager, wanted["apiVersion"])
        return provider_pb2.CreateResponse(id=objects.identifier(live), properties=encode(state))

    def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        if objects.token(request.urn) == _RELEASE:
            return self.releases.update(request)
        inputs = decode(request.news)
        wanted = objects.for_api(reveal(inputs))
        _, _, manager = objects.parse_checkpoint(reveal(decode(request.olds)))
        manager = manager or objects.field_manager(wanted)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encode(self._plan(inputs, wanted, manager, exists=True)))
        with _saying(f'update of resource "{request.urn}" failed'):
            lifecycle = self._lifecycle(request.urn)
            kind = lifecycle.kind(wanted["apiVersion"], wanted["kind"])
            namespace, _ = self._place(kind, wanted)
            live = lifecycle.apply(kind, namespace, wanted, manager, force=self._force(wanted), repair=True)
        live = self._await(lifecycle, kind, live, inputs, manager, request.timeout)
        state = objects.checkpoint(inputs, live, manager, wanted["apiVersion"])
        return provider_pb2.UpdateResponse(properties=encode(state))

    def read(self, request: provider_pb2.ReadRequest) -> provider_pb2.ReadResponse:
        gone = provider_pb2.ReadResponse()
        try:
            if objects.token(request.urn) == _RELEASE:
                return self.releases.read(request)
            state, old = decode(request.properties), decode(request.inputs)
            api_version, kind_name = objects.token(request.urn)
            kind = self.api.kind(old.get("apiVersion", api_version), old.get("kind", kind_name))
            namespace, name = objects.split_identifier(request.id)
            live = self.api.get(kind, namespace or self.default_namespace, name)
        except KindUnknownError:
            return gone
        except UnreachableError as error:
            self.log(f"{_UNREACHABLE}: {error}", request.urn, warning=True)
            if self.settings.delete_unreachable:
                return gone
            if self.settings.skip_update_unreachable:
                return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
            raise PluginError(f"failed to read resource state due to unreachable cluster. {_DROP_HINT}") from error
        if live is None:
            return gone
        _, before, manager = objects.parse_checkpoint(reveal(state))
        if not old:  # of a .get() or an import: as the cluster has it
            inputs: Properties = objects.as_inputs(live)
        else:
            inputs = moved(
                reveal(old), objects.with_string_data(before), objects.with_string_data(objects.from_api(live))
            )
        inputs = conceal(inputs, old)
        manager = manager or objects.field_manager(reveal(inputs))
        state = objects.checkpoint(inputs, live, manager, live["apiVersion"])
        if old and objects.annotation(reveal(old), "skipAwait") != "true":
            try:
                waiting_for = readiness.missing(self.api, live)
            except readiness.FailedError as error:
                waiting_for = str(error)
            if waiting_for:
                raise PartialError(f"{live['kind']} {name} is not ready: {waiting_for}", request.id, state, inputs)
        return provider_pb2.ReadResponse(id=request.id, properties=encode(state), inputs=encode(inputs))

    def delete(self, request: provider_pb2.DeleteRequest) -> empty_pb2.Empty:
        try:
            if objects.token(request.urn) == _RELEASE:
                return self.releases.delete(request)
            inputs, live, _ = objects.parse_checkpoint(reveal(decode(request.properties)))
            kind = self.api.kind(live["apiVersion"], live["kind"])
            namespace, name = objects.split_identifier(request.id)
            propagation = objects.annotation(inputs, "deletionPropagationPolicy") or "foreground"
            seconds = 0 if objects.annotation(inputs, "skipAwait") == "true" else patience(inputs, request.timeout)
            self._lifecycle(request.urn).delete(
                kind, namespace or self.default_namespace, name, propagation.capitalize(), seconds
            )
        except KindUnknownError:
            pass  # and with the kind, every object of it
        except UnreachableError as error:
            self.log(f"{_UNREACHABLE}: {error}", request.urn, warning=True)
            if not self.settings.delete_unreachable:
                raise PluginError(f"{_UNREACHABLE}. {_DROP_HINT}") from error
        return empty_pb2.Empty()

    def _place(self, kind: Kind, wanted: Object) -> tuple[str, str]:
        """Return namespace and name of the object, and put the namespace right in it now that the kind is known."""
        metadata = wanted["metadata"]
        if kind.namespaced:
            metadata.setdefault("namespace", self.default_namespace)
        else:
            metadata.pop("namespace", None)
        return metadata.get("namespace", ""), metadata["name"]

    def _force(self, wanted: Object) -> bool:
        return self.settings.patch_force or objects.annotation(wanted, "patchForce") == "true"

    def _plan(self, inputs: Properties, wanted: Object, manager: str, *, exists: bool) -> Properties:
        """Return the state that the server would make of the inputs; the inputs where it cannot say that yet."""
        if has_unknown(inputs):
            return inputs
        try:
            kind = self.api.kind(wanted["apiVersion"], wanted["kind"])
            namespace, name = self._place(kind, wanted)
            if not exists and self.api.get(kind, namespace, name):
                return inputs
            lifecycle = Lifecycle(self.api, self.cancelled, lambda _: None)
            force = self._force(wanted)
            live = lifecycle.apply(kind, namespace, wanted, manager, force=force, repair=exists, dry_run=True)
        except (UnreachableError, KindUnknownError):
            return inputs
        except ApiError as error:
            if error.reason in ("Forbidden", "NotFound"):  # NotFound: of a namespace that is still to be made
                return inputs
            raise
        live.pop("status", None)
        return objects.checkpoint(inputs, live, manager, wanted["apiVersion"])

    def _await(
        self, lifecycle: Lifecycle, kind: Kind, live: Object, inputs: Properties, manager: str, requested: float
    ) -> Object:
        try:
            return lifecycle.await_ready(kind, live, patience(reveal(inputs), requested))
        except NotReadyError as error:
            state = objects.checkpoint(inputs, error.live, manager, live["apiVersion"])
            identifier = objects.identifier(live)
            raise PartialError(
                f'"{identifier}" exists, but failed to fully initialize or become live: {error}', identifier, state
            ) from error


@contextmanager
def _saying(sentence: str) -> Generator[None]:
    """Put a sentence before the message of what goes wrong inside."""
    try:
        yield
    except UnreachableError as error:
        raise PluginError(f"{_UNREACHABLE}: {error}") from error
    except PluginError as error:
        raise PluginError(f"{sentence}: {error}") from error
