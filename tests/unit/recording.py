"""A mock of Pulumi's engine that records what a program registers, and with which options."""

import base64
import functools
import gc
import json
import os
import re
import runpy
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aws_answers
import grpc
import pulumi
from certificates import PEM
from event_loops import own_event_loops
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.stack import Stack

from components.federation.inventory import Inventory, SilentClusterError
from components.trust import revocation

CHECKOUT = Path(__file__).parents[2]
SECRET = rpc._special_sig_key


def address(name: str) -> str:
    """The IP address that Google reserves for a resource."""
    return f"203.0.113.{zlib.crc32(name.encode()) % 250 + 1}"


@dataclass
class Recorded:
    """One resource as it was registered; `inputs` are plain, `secrets` the names of those that were secret."""

    urn: str
    type: str
    name: str
    inputs: dict[str, Any]
    secrets: set[str]
    parent: str
    provider: str
    dependencies: set[str]
    property_dependencies: dict[str, set[str]]
    """By input, the URNs of the resources that it is made of."""
    deleted_with: str
    protect: bool
    hooks: set[str] = field(default_factory=set)
    """The names of the hooks of its creation and its update."""


@dataclass
class Recording:
    """What a program registered, by name, and its stack outputs."""

    resources: dict[str, Recorded] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    secret_outputs: set[str] = field(default_factory=set)
    ignored: dict[str, list[str]] = field(default_factory=dict)
    """By URN, the inputs whose changes are ignored."""
    aliases: dict[str, list[str]] = field(default_factory=dict)
    """By URN, the URNs that a resource may have in an earlier state."""

    def __getitem__(self, name: str) -> Recorded:
        return self.resources[name]

    def of(self, type_suffix: str) -> list[Recorded]:
        """Return the resources of a type."""
        return [resource for resource in self.resources.values() if resource.type.endswith(type_suffix)]

    def istio_objects(self, mesh: str) -> dict[str, Any]:
        """Return the specs of the Istio objects in one mesh's cluster, by kind, namespace and name."""
        provider = self[f"{mesh}-kubernetes"].urn
        return self.service_objects(mesh) | {
            f"{found.inputs['kind']} {found.inputs['metadata']['namespace']}/{found.inputs['metadata']['name']}": (
                found.inputs["spec"]
            )
            for found in self.resources.values()
            if ".istio.io/" in found.type and found.provider.startswith(provider)
        }

    def service_objects(self, mesh: str) -> dict[str, Any]:
        """Return the specs of the Istio objects of exported services in one mesh, by kind, namespace and name."""
        objects = self.resources[f"{mesh}-services"].inputs["objects"] if f"{mesh}-services" in self.resources else {}
        return {key: json.loads(text) for key, text in sorted(objects.items())}

    def after(self, name: str) -> set[str]:
        """Return the names of everything that must be there before the named resource."""
        by_urn = {resource.urn: resource for resource in self.resources.values()}
        found: set[str] = set()
        open_ = [self[name]]
        while open_:
            resource = open_.pop()
            for urn in {*resource.dependencies, resource.parent, resource.provider.rpartition("::")[0]} & by_urn.keys():
                if by_urn[urn].name not in found:
                    found.add(by_urn[urn].name)
                    open_.append(by_urn[urn])
        return found


class _Refused(grpc.RpcError):
    """An engine's refusal, as gRPC gives it to the SDK."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return str(self)


class _Outputs(mocks.Mocks):
    """Answers as the providers would, as far as the program reads it."""

    def __init__(self, services: dict[str, dict[str, Any]], stacks: dict[str, dict[str, Any]]) -> None:
        self.services = services
        self.stacks = stacks

    def inventory(self, kubeconfig: str, _namespaces: Any, _root: str = "") -> Inventory:
        """Return what is in every cluster."""
        cluster = json.loads(kubeconfig)["current-context"]
        if any(re.search(about.get("gone", "never"), cluster) for about in self.services.values()):
            raise SilentClusterError("its API server does not answer")
        named = {tuple(name.split("/")): about["spec"] for name, about in self.services.items() if "/" in name}
        return Inventory({(namespace, name): spec for (namespace, name), spec in named.items()})

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        outputs = dict(args.inputs)
        if args.typ.startswith("aws:"):
            outputs |= aws_answers.outputs(args.typ, args.name, args.inputs)
        match args.typ.rpartition(":")[2]:
            case "PrivateKey":
                outputs["privateKeyPem"] = outputs["privateKeyPemPkcs8"] = f"key of {args.name}"
                outputs["publicKeyPem"] = self._public_key(args.name)
            case "SelfSignedCert" | "LocallySignedCert":
                outputs |= {"certPem": PEM, "validityEndTime": "2036-01-01T00:00:00.13257437Z"}
            case "IntermediateCertificate":
                outputs |= {"certificate_pem": PEM, "validity_end_time": "2036-01-01T00:00:00Z"}
            case "CertificateRequest":
                outputs["request_pem"] = f"request of {args.name}"
            case "CertRequest":
                outputs["certRequestPem"] = f"request of {args.name}"
            case "LabCluster":
                outputs |= {"address": f"{args.name}.address", "kubeconfig": _kubeconfig(args.name)}
            case "Address":
                outputs |= {"address": address(args.name), "selfLink": f"link of {args.name}"}
            case "Account":
                outputs |= {"email": f"email of {args.name}", "member": f"member {args.name}"}
            case "Cluster":
                outputs |= {"endpoint": f"endpoint of {args.name}", "masterAuth": {"clusterCaCertificate": "Q0E="}}
            case "Secret" if args.inputs.get("type") == "kubernetes.io/service-account-token":
                outputs["data"] = {"token": base64.b64encode(f"a token of {args.name}".encode()).decode()}
            case "Release":
                outputs["status"] = {"namespace": args.inputs["namespace"], "name": args.inputs["name"]}
            case "Service":
                outputs |= self.services.get(args.resource_id or args.name, {})
        unmade = any(about.get("unmade") == args.name for about in self.services.values())
        return args.resource_id or ("" if unmade else f"{args.name}-id"), outputs

    def _public_key(self, name: str) -> str:
        """Return what this stack's state has of a key, if it has it."""
        had = self.stacks.get("state of test", {}).get(name)
        return had["outputs"]["publicKeyPem"] if had else PEM.replace("CERTIFICATE", "PUBLIC KEY")

    def call(self, args: mocks.MockCallArgs) -> Any:
        if args.token.startswith("aws:"):
            return aws_answers.look_up(args.token, args.args)
        if args.token == "pulumi:pulumi:readStackResourceOutputs":
            state = self.stacks.get(f"state of {args.args['stackName']}", {})
            return {"outputs": {f"urn::{name}": about for name, about in state.items()}}, []
        if args.token != "pulumi:pulumi:readStackOutputs":
            return {}, []
        stack = args.args["name"]
        if stack not in self.stacks:
            raise _Refused(f'unknown stack "{stack}"')
        return {"outputs": self.stacks[stack]}, []


def _list(of: str) -> str:
    signer = of.replace("key of", "signed with", 1)
    return f"-----BEGIN X509 CRL-----\n{signer}\n-----END X509 CRL-----\n"


def _kubeconfig(name: str) -> str:
    """Return JSON, which is YAML, that a kubeconfig's reader understands."""
    return json.dumps(
        {
            "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "clusters": [{"name": name, "cluster": {"server": f"https://{name}:6443"}}],
            "users": [{"name": name, "user": {"client-key-data": f"kubeconfig of {name}"}}],
        }
    )


def _with_integers(value: Any) -> Any:
    """Undo what protobuf does to whole numbers."""
    if isinstance(value, dict):
        return {key: _with_integers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_integers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Monitor(mocks.MockMonitor):
    def __init__(self, answers: mocks.Mocks, recording: Recording) -> None:
        super().__init__(answers)
        self.recording = recording

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        response = super().RegisterResource(request)
        self._record(request, request.object, response.urn, request.dependencies, request.deletedWith, request.protect)
        self.recording.ignored[response.urn] = list(request.ignoreChanges)
        self.recording.aliases[response.urn] = [*request.aliasURNs, *(alias.spec.name for alias in request.aliases)]
        return response

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        response = super().ReadResource(request)
        self._record(request, request.properties, response.urn, request.dependencies, "", None)
        return response

    def _record(
        self, request: Any, inputs: Any, urn: str, dependencies: Any, deleted_with: str, protect: bool | None
    ) -> None:
        if request.type == "pulumi:pulumi:Stack":
            return
        plain = rpc.deserialize_properties(inputs, keep_unknowns=True)
        secrets = {name for name, value in plain.items() if rpc.is_rpc_secret(value)}
        component = request.type.startswith("multimesh:index:")
        key = f"{request.type.rpartition(':')[2]} {request.name}" if component else request.name
        if key in self.recording.resources:
            key = f"{key} in {request.parent}"
        self.recording.resources[key] = Recorded(
            urn=urn,
            type=request.type,
            name=key,
            inputs={name: _with_integers(rpc.unwrap_rpc_secret(value)) for name, value in plain.items()},
            secrets=secrets,
            parent=request.parent,
            provider=request.provider,
            dependencies=set(dependencies),
            property_dependencies={
                key: set(given.urns) for key, given in getattr(request, "propertyDependencies", {}).items()
            },
            deleted_with=deleted_with,
            protect=bool(protect),
            hooks={*request.hooks.before_create, *request.hooks.after_create, *request.hooks.before_update}
            if hasattr(request, "hooks")
            else set(),
        )


@functools.cache
def _recorded(config: str, services: str, stacks: str) -> Recording:
    return record(json.loads(config), json.loads(services), json.loads(stacks))


Named = dict[str, dict[str, Any]]


def recorded(config: dict[str, Any], services: Named | None = None, stacks: Named | None = None) -> Recording:
    """Like `record`, but the program is run once only for the same input; do not change what is returned."""
    return _recorded(json.dumps(config), json.dumps(services or {}), json.dumps(stacks or {}))


def record(
    config: dict[str, Any],
    services: Named | None = None,
    stacks: Named | None = None,
    *,
    preview: bool = False,
    recording: Recording | None = None,
) -> Recording:
    """Run the program, as stack `test`, with this configuration; a `recording` of one's own outlives a failure.

    `services` are the Services in the clusters, by `<namespace>/<name>` (one that is `gone`: clusters with a name that
    matches do not answer; one that is `unmade`: the id of this resource is unknown); `stacks` are the outputs of those
    that are there, by the name under which the program asks for them, and under `state of test` the `type` and the
    `outputs` of resources that this stack has, by name.
    """

    def program() -> dict[str, Any]:
        stack = settings.get_root_resource()
        assert isinstance(stack, Stack)
        stack.outputs.clear()  # the SDK keeps those of an earlier run
        runpy.run_path(str(CHECKOUT / "__main__.py"), run_name="__main__")
        gc.enable()  # the program ends with its run, the tests go on
        return stack.outputs

    return record_of(program, config, services, stacks, preview=preview, recording=recording)


def record_of(
    program: Callable[[], Mapping[str, Any]],
    config: dict[str, Any] | None = None,
    services: Named | None = None,
    stacks: Named | None = None,
    *,
    preview: bool = False,
    recording: Recording | None = None,
) -> Recording:
    """Run a part of the program: a function that makes resources and returns outputs by name."""
    recording = recording or Recording()
    answers = _Outputs(services or {}, stacks or {})
    environment = {"PULUMI_ERROR_OUTPUT_STRING": "1", **aws_answers.CREDENTIALS}
    asked = patch("components.federation.inventory.read", answers.inventory)
    # The mock's keys are no keys, so nothing can be signed with them.
    of_root = revocation.of_root
    signed = patch.multiple(
        revocation,
        of_root=lambda root, key, numbers: (
            of_root(root, key, numbers) if "-----BEGIN" in key else _list(f"{key}, revoked: {numbers}")
        ),
        of_ca=lambda _, key, *__: _list(key),
        of_issued=lambda _, key, *__: _list(key),
    )
    with own_event_loops(), patch.dict(os.environ, environment), asked, signed:
        monitor = _Monitor(answers, recording)
        mocks.set_mocks(answers, "multimesh", "test", preview=preview, monitor=monitor, organization="organization")
        pulumi.runtime.set_all_config({f"multimesh:{key}": json.dumps(value) for key, value in (config or {}).items()})
        _run(program, recording)
    return recording


def _run(program: Callable[[], Mapping[str, Any]], recording: Recording) -> None:
    @pulumi.runtime.test
    def run() -> pulumi.Output[list[None]]:
        outputs = {name: pulumi.Output.from_input(value) for name, value in program().items()}
        secret = pulumi.Output.from_input({name: output.is_secret() for name, output in outputs.items()})
        return pulumi.Output.all(
            pulumi.Output.from_input(outputs).apply(recording.outputs.update),
            secret.apply(lambda flags: recording.secret_outputs.update(name for name in flags if flags[name])),
        )

    run()
