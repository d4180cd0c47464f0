"""Helm releases: the resource kubernetes:helm.sh/v3:Release."""

import copy
import functools
from typing import Any, Protocol

from google.protobuf import empty_pb2

from lab.plugins.kubernetes import charts, history, objects, rendering
from lab.plugins.kubernetes.api import Api
from lab.plugins.kubernetes.changes import Change, differences, dotted
from lab.plugins.kubernetes.helm import Helm, HelmError
from lab.plugins.kubernetes.installation import Installation
from lab.plugins.kubernetes.kubeconfig import UnreachableError
from lab.plugins.kubernetes.settings import Settings
from lab.plugins.protocol import provider_pb2
from lab.plugins.server import Log, PartialError, PluginError
from lab.plugins.values import Properties, Secret, conceal, decode, encode, has_unknown, reveal

_DEFAULT_SECONDS = 300
_NOT_INPUTS = ("compat", "manifest", "valueYamlFiles", "status")
_REPLACING = ("name", "namespace")


class Cluster(Protocol):
    """What a release needs of the provider."""

    settings: Settings
    cancelled: Any

    @property
    def api(self) -> Api: ...
    @property
    def default_namespace(self) -> str: ...
    @property
    def log(self) -> Log: ...


class Releases:
    """The requests of the provider that concern Helm releases."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        news = decode(request.news)
        inputs, old = reveal(news), reveal(decode(request.olds))
        inputs["values"] = charts.values(inputs)
        for name in _NOT_INPUTS:
            inputs.pop(name, None)
        inputs["name"] = inputs.get("name") or old.get("name") or self._name(request)
        inputs["namespace"] = inputs.get("namespace") or self._cluster.default_namespace
        if not inputs.get("skipAwait"):
            inputs.setdefault("timeout", _DEFAULT_SECONDS)
        inputs = {name: value for name, value in inputs.items() if value not in (None, False, "", {}, [])}
        failures = []
        if not has_unknown(inputs):
            try:
                rendering.check(inputs, self._cluster.cancelled)
            except HelmError as error:
                reason = f"{error}; check the chart name and repository configuration."
                failures.append(provider_pb2.CheckFailure(property="chart", reason=reason))
        return provider_pb2.CheckResponse(inputs=encode(conceal(inputs, news)), failures=failures)

    def _name(self, request: provider_pb2.CheckRequest) -> str:
        return f"{objects.resource_name(request.urn)}-{objects.suffix(request.randomSeed)}"

    def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        old, new = reveal(decode(request.olds)).get("__inputs", {}), reveal(decode(request.news))
        kinds, details = provider_pb2.PropertyDiff, {}
        for path, change in differences(old, new).items():
            replacing = path[0] in _REPLACING
            kind = {
                Change.ADD: kinds.ADD_REPLACE if replacing else kinds.ADD,
                Change.DELETE: kinds.DELETE_REPLACE if replacing else kinds.DELETE,
                Change.UPDATE: kinds.UPDATE_REPLACE if replacing else kinds.UPDATE,
            }[change]
            details[dotted(path)] = kinds(kind=kind, inputDiff=True)
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if details else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=[path for path in details if path in _REPLACING],
            diffs=sorted({path.partition(".")[0] for path in details}),
            detailedDiff=details,
            hasDetailedDiff=True,
        )

    def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        inputs = decode(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=encode(_state(inputs, None)))
        identifier, state = self._install(inputs, request.urn, "create", "install")
        return provider_pb2.CreateResponse(id=identifier, properties=encode(state))

    def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        inputs = decode(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encode(_state(inputs, None)))
        _, state = self._install(inputs, request.urn, "update", "upgrade")
        return provider_pb2.UpdateResponse(properties=encode(state))

    def _install(self, inputs: Properties, urn: str, verb: str, action: str) -> tuple[str, Properties]:
        """Install or upgrade; a release that helm left failed is kept in the state, to be tried again."""
        plain = reveal(inputs)
        name, namespace = plain["name"], plain["namespace"]
        identifier = f"{namespace}/{name}"
        try:
            installation = self._installation(plain, urn)
            before = history.latest(self._cluster.api, namespace, name)
            failure = None
            try:
                installation.install() if action == "install" else installation.upgrade()
            except HelmError as error:
                failure = error
            record = history.latest(self._cluster.api, namespace, name)
        except UnreachableError as error:
            raise PluginError(f"can't {verb} Helm Release with unreachable cluster: {error}") from error
        if failure and (record is None or (before and before.revision == record.revision)):
            raise failure  # helm did not even begin
        state = _state(inputs, record)
        if failure:
            raise PartialError(
                f'Helm release "{identifier}" failed to initialize completely. Use Helm CLI to investigate.: {failure}',
                identifier,
                state,
            )
        return identifier, state

    def _installation(self, inputs: Properties, urn: str) -> Installation:
        helm = Helm(self._cluster.settings.load_kubeconfig(), self._cluster.cancelled)
        return Installation(helm, inputs, functools.partial(self._cluster.log, urn=urn))

    def read(self, request: provider_pb2.ReadRequest) -> provider_pb2.ReadResponse:
        state = decode(request.properties)
        namespace, name = objects.split_identifier(request.id)
        record = history.latest(self._cluster.api, namespace or self._cluster.default_namespace, name)
        if record is None:
            return provider_pb2.ReadResponse()
        kept = state.get("__inputs")
        inputs: Properties = kept.value if isinstance(kept, Secret) else kept or _imported(record)
        values = record.release.get("config") or {}
        if values != reveal(inputs).get("values", {}):  # changed with helm, beside Pulumi
            inputs = inputs | {"values": conceal(values, inputs.get("values"))}
        state = _state(inputs, record)
        return provider_pb2.ReadResponse(id=request.id, properties=encode(state), inputs=encode(inputs))

    def delete(self, request: provider_pb2.DeleteRequest) -> empty_pb2.Empty:
        self._installation(reveal(decode(request.properties)), request.urn).uninstall()
        return empty_pb2.Empty()


def _state(inputs: Properties, record: history.Record | None) -> Properties:
    """The inputs, what helm recorded of the release (nothing in a preview), and the inputs again, wholly secret."""
    outputs = copy.deepcopy(reveal(inputs))
    if record:
        release, chart = record.release, record.release["chart"]["metadata"]
        outputs |= {
            "version": chart["version"],
            "status": {
                "appVersion": chart.get("appVersion"),
                "chart": chart["name"],
                "name": release["name"],
                "namespace": release["namespace"],
                "revision": release["version"],
                "status": record.status,
                "version": chart["version"],
            },
        }
    return conceal(outputs, inputs) | {"__inputs": Secret(inputs)}


def _imported(record: history.Record) -> Properties:
    release, chart = record.release, record.release["chart"]["metadata"]
    inputs = {"name": release["name"], "namespace": release["namespace"], "chart": chart["name"]}
    return inputs | {"version": chart["version"], "values": release.get("config") or {}, "timeout": _DEFAULT_SECONDS}
