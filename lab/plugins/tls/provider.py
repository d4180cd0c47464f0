"""The resources of the TLS provider: what each needs, what it makes, when it is replaced."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from google.protobuf import empty_pb2

from lab.plugins.protocol import provider_pb2
from lab.plugins.server import PluginError, Provider
from lab.plugins.tls import certificates, keys
from lab.plugins.values import UNKNOWN, Properties, Secret, decode, encode, has_unknown, reveal

_KINDS = provider_pb2.PropertyDiff


@dataclass(frozen=True)
class _Resource:
    """One resource type: required inputs, defaults of the others, outputs, and the function that makes them."""

    required: tuple[str, ...]
    defaults: Properties
    outputs: tuple[str, ...]
    secrets: tuple[str, ...]
    make: Callable[[Properties], tuple[str, Properties]]


def _private_key(inputs: Properties) -> tuple[str, Properties]:
    outputs = keys.outputs(keys.generate(inputs["algorithm"], inputs["ecdsaCurve"], inputs["rsaBits"]))
    return _digest(outputs["publicKeyPem"]), outputs


def _cert_request(inputs: Properties) -> tuple[str, Properties]:
    key = keys.load(_key(inputs, "privateKeyPem"), "private key PEM")
    pem = certificates.sign_request(certificates.request(inputs, key), key)
    return _digest(pem), {"certRequestPem": pem, "keyAlgorithm": keys.algorithm(key)}


def _self_signed_cert(inputs: Properties) -> tuple[str, Properties]:
    key = keys.load(_key(inputs, "privateKeyPem"), "private key PEM")
    wanted = certificates.request(inputs, key)
    issuer = certificates.Issuer(wanted.subject, key, None)
    serial, outputs = certificates.issue(inputs, wanted, issuer, datetime.now(UTC))
    return serial, outputs | {"keyAlgorithm": keys.algorithm(key), "readyForRenewal": False}


def _locally_signed_cert(inputs: Properties) -> tuple[str, Properties]:
    issuer = certificates.load_issuer(inputs["caCertPem"], _key(inputs, "caPrivateKeyPem"))
    wanted = certificates.load_request(inputs["certRequestPem"])
    serial, outputs = certificates.issue(inputs, wanted, issuer, datetime.now(UTC))
    return serial, outputs | {"caKeyAlgorithm": keys.algorithm(issuer.key), "readyForRenewal": False}


def _key(inputs: Properties, name: str) -> str:
    """The key is given by the input of that name, or by its write-only twin, which never enters the state."""
    return inputs.get(name) or inputs[name + "Wo"]


def _digest(pem: str) -> str:
    return hashlib.sha1(pem.strip().encode(), usedforsecurity=False).hexdigest()


_VALIDITY = ("certPem", "validityStartTime", "validityEndTime", "readyForRenewal")
_CERTIFICATE = {"isCaCertificate": False, "earlyRenewalHours": 0, "setSubjectKeyId": False}
_RESOURCES = {
    "tls:index/privateKey:PrivateKey": _Resource(
        ("algorithm",),
        {"ecdsaCurve": "P224", "rsaBits": 2048},
        (
            "privateKeyPem",
            "privateKeyPemPkcs8",
            "privateKeyOpenssh",
            "publicKeyPem",
            "publicKeyOpenssh",
            "publicKeyFingerprintMd5",
            "publicKeyFingerprintSha256",
        ),
        (),
        _private_key,
    ),
    "tls:index/certRequest:CertRequest": _Resource(
        (), {}, ("certRequestPem", "keyAlgorithm"), ("privateKeyPem",), _cert_request
    ),
    "tls:index/selfSignedCert:SelfSignedCert": _Resource(
        ("allowedUses", "validityPeriodHours"),
        _CERTIFICATE | {"setAuthorityKeyId": False},
        (*_VALIDITY, "keyAlgorithm"),
        ("privateKeyPem",),
        _self_signed_cert,
    ),
    "tls:index/locallySignedCert:LocallySignedCert": _Resource(
        ("allowedUses", "caCertPem", "certRequestPem", "validityPeriodHours"),
        _CERTIFICATE,
        (*_VALIDITY, "caKeyAlgorithm"),
        ("caPrivateKeyPem",),
        _locally_signed_cert,
    ),
}
_UPDATABLE = {"earlyRenewalHours"}
_ALLOWED: dict[str, tuple[str, ...]] = {
    "algorithm": keys.ALGORITHMS,
    "ecdsaCurve": tuple(keys.CURVES),
    "allowedUses": (*certificates.KEY_USAGES, *certificates.EXTENDED_KEY_USAGES),
}


class Tls(Provider):
    """The TLS provider: nothing but keys and certificates, all of them in the state alone."""

    package = "tls"

    def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        inputs, resource = reveal(decode(request.news)), _resource(request.urn)
        failures = [
            provider_pb2.CheckFailure(property=name, reason=f"missing required property '{name}'")
            for name in resource.required
            if name not in inputs
        ]
        failures += [
            provider_pb2.CheckFailure(reason=f"exactly one of '{name}' and '{name}Wo' must be set")
            for name in resource.secrets
            if (name in inputs) == (name + "Wo" in inputs)
        ]
        for name, allowed in _ALLOWED.items():
            given = inputs.get(name, [])
            failures += [
                provider_pb2.CheckFailure(property=name, reason=f"expected one of {list(allowed)}, got {value!r}")
                for value in (given if isinstance(given, list) else [given])
                if value is not UNKNOWN and value not in allowed
            ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        resource = _resource(request.urn)
        state, old, new = (reveal(decode(part)) for part in (request.olds, request.old_inputs, request.news))
        before, after = resource.defaults | old, resource.defaults | new
        changed = {
            name
            for name in before.keys() | after.keys()
            if before.get(name) != after.get(name)
            and name not in request.ignoreChanges
            and not name.endswith("Wo")  # a write-only value is compared by its version
        }
        details = {name: _kind(name, before, after) for name in changed}
        hours = after.get("earlyRenewalHours")
        if (
            "validityEndTime" in state
            and hours is not UNKNOWN
            and certificates.ready_for_renewal(state, hours, datetime.now(UTC))
        ):
            details["readyForRenewal"] = _KINDS(kind=_KINDS.UPDATE_REPLACE)
        replaces = [name for name in details if name not in _UPDATABLE]
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if details else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=replaces,
            diffs=list(details),
            detailedDiff=details,
            hasDetailedDiff=True,
        )

    def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        resource, inputs = _resource(request.urn), decode(request.properties)
        if request.preview:
            outputs: Properties = dict.fromkeys(resource.outputs, UNKNOWN)
            return provider_pb2.CreateResponse(properties=encode(_state(resource, inputs) | outputs))
        if has_unknown(inputs):
            raise PluginError(f"the inputs of {request.urn} are not known yet")
        id, outputs = resource.make(resource.defaults | reveal(inputs))
        return provider_pb2.CreateResponse(id=id, properties=encode(_state(resource, inputs) | {"id": id} | outputs))

    def read(self, request: provider_pb2.ReadRequest) -> provider_pb2.ReadResponse:
        state = decode(request.properties)
        if not state:
            raise PluginError(f"{request.urn} cannot be read: keys and certificates exist in the state alone")
        if "validityEndTime" in state:
            hours = state.get("earlyRenewalHours", 0)
            state["readyForRenewal"] = certificates.ready_for_renewal(state, hours, datetime.now(UTC))
        return provider_pb2.ReadResponse(id=request.id, properties=encode(state), inputs=request.inputs)

    def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        resource = _resource(request.urn)
        return provider_pb2.UpdateResponse(
            properties=encode(decode(request.olds) | _state(resource, decode(request.news)))
        )

    def delete(self, _: provider_pb2.DeleteRequest) -> empty_pb2.Empty:
        return empty_pb2.Empty()


def _resource(urn: str) -> _Resource:
    token = urn.split("::")[2].split("$")[-1]
    if token not in _RESOURCES:
        raise PluginError(f"the stand-in plugin for tls has no resource {token}; it has {', '.join(_RESOURCES)}")
    return _RESOURCES[token]


def _state(resource: _Resource, inputs: Properties) -> Properties:
    """The inputs as they are kept: with defaults, keys as secrets, and without what is write-only."""
    kept = {name: value for name, value in inputs.items() if not name.endswith("Wo")}
    for name in resource.secrets:
        if name in kept and not isinstance(kept[name], Secret):
            kept[name] = Secret(kept[name])
    return resource.defaults | kept


def _kind(name: str, before: dict[str, Any], after: dict[str, Any]) -> provider_pb2.PropertyDiff:
    if name in _UPDATABLE:
        return _KINDS(kind=_KINDS.UPDATE, inputDiff=True)
    if name not in before:
        return _KINDS(kind=_KINDS.ADD_REPLACE, inputDiff=True)
    if name not in after:
        return _KINDS(kind=_KINDS.DELETE_REPLACE, inputDiff=True)
    return _KINDS(kind=_KINDS.UPDATE_REPLACE, inputDiff=True)
