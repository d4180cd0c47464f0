"""The certificate of a mesh's intermediate CA: pulumi-tls cannot state name constraints, so this resource signs it.

Pulumi calls the provider's methods in another process, which finds this module by its name. Pulumi stores only a
reference to the provider.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict

import pulumi
from pulumi import dynamic

from components.dynamic_errors import without_tracebacks
from components.trust import expiry

_COMPARED = (
    "request_pem",
    "root_pem",
    "trust_domain",
    "trust_domain_aliases",
    "revisions",
    "validity_hours",
    "early_renewal_hours",
)
"""The inputs that make another certificate. The root's key is not among them: it belongs to the root's certificate.

`root_pem` is the certificate of the CA that signs, which may be the user's issuing CA below a root.
"""
_TIME = "%Y-%m-%dT%H:%M:%SZ"


def ready_for_renewal(expires: str, early_renewal_hours: float, now: datetime) -> bool:
    """Return whether a certificate that expires then (RFC 3339) is to be replaced by now."""
    return datetime.fromisoformat(expires) - timedelta(hours=early_renewal_hours) <= now


@without_tracebacks
class IntermediateCertificateProvider(dynamic.ResourceProvider):
    """Sign when the resource is created; replace it when an input changes, and before it expires.

    Outputs: the compared inputs, `certificate_pem`, `validity_start_time`, `validity_end_time`. Never the root's key,
    which is an input if Pulumi made it; of the user's own, the input is the path of the file alone.
    """

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse at preview if a certificate is to be signed with a key whose file is not there."""
        file = news.get("root_key_file")
        failures = []
        if file and _differing(_olds, news) and not _is_there(file):
            reason = (
                f"{file} is not there (trust.root.key), and the CA of trust domain {news['trust_domain']} is to be "
                "signed with it: bring it back for this `pulumi up`"
            )
            failures.append(dynamic.CheckFailure("", reason))
        return dynamic.CheckResult(news, failures)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Sign the certificate; the resource's id is its serial number. Raise SigningError."""
        from components.trust import signing

        signed = signing.sign(
            props["request_pem"],
            props["root_pem"],
            props.get("root_key_pem") or Path(props["root_key_file"]).expanduser().read_text(),
            [props["trust_domain"], *props.get("trust_domain_aliases", ())],
            int(props["validity_hours"]),
            datetime.now(UTC),
            props.get("revisions", ()),
        )
        outputs = {
            **{name: props[name] for name in _COMPARED if name in props},
            "certificate_pem": signed.certificate_pem,
            "validity_start_time": signed.start.strftime(_TIME),
            "validity_end_time": signed.end.strftime(_TIME),
        }
        return dynamic.CreateResult(signed.serial, outputs)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Ask for a replacement if an input differs, or if the certificate is inside its early-renewal window.

        Say here what expires soon: the program does not know it of a certificate that a preview would replace.
        """
        now, expires = datetime.now(UTC), _olds["validity_end_time"]
        differing, remedy = _differing(_olds, _news), "a later `pulumi up` renews it"
        if not differing and ready_for_renewal(expires, _olds["early_renewal_hours"], now):
            if (file := _news.get("root_key_file")) and not _is_there(file):
                remedy = f"`pulumi up` renews it once {file} is there (trust.root.key)"
            else:
                differing = ["validity_end_time"]
        if differing:
            remedy = "this `pulumi up` renews it"
        if line := expiry.notice(f"the CA of trust domain {_olds['trust_domain']}", expires, remedy, now):
            print(line, flush=True)
        return dynamic.DiffResult(changes=bool(differing), replaces=differing)


def _differing(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    return [name for name in _COMPARED if olds.get(name) != news.get(name)]


def _is_there(file: str) -> bool:
    return Path(file).expanduser().exists()


class SigningKey(TypedDict, total=False):
    """The key of the CA that signs: one of these."""

    root_key_pem: pulumi.Input[str]
    """A secret, of a root that Pulumi made."""
    root_key_file: str
    """The path of the user's own: its content is read when a certificate is signed, and not kept."""


class IntermediateCertificateArgs(SigningKey):
    """The arguments of the certificate."""

    request_pem: pulumi.Input[str]
    """The request of the mesh's CA, signed by its own key."""
    root_pem: pulumi.Input[str]
    trust_domain: str
    """What the CA may sign identities of."""
    trust_domain_aliases: Sequence[str]
    """Other trust domains that it may sign identities of."""
    revisions: Sequence[str]
    """The revisions of the mesh's control planes, whose names it may sign."""
    validity_hours: int
    early_renewal_hours: int
    """How long before its end an `up` replaces the certificate."""


class IntermediateCertificate(dynamic.Resource, module="multimesh", name="IntermediateCertificate"):
    """A certificate of a CA that signs no further CAs, and identities of one mesh's trust domains alone."""

    certificate_pem: pulumi.Output[str]
    validity_end_time: pulumi.Output[str]
    """RFC 3339."""

    def __init__(
        self, resource_name: str, args: IntermediateCertificateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        outputs = dict.fromkeys(("certificate_pem", "validity_start_time", "validity_end_time"))
        properties = {**args, **outputs}
        if "root_key_pem" in args:
            properties["root_key_pem"] = pulumi.Output.secret(args["root_key_pem"])
        for key in ("trust_domain_aliases", "revisions"):  # as in the state of a stack that has never had one
            if not properties[key]:
                del properties[key]
        super().__init__(IntermediateCertificateProvider(), resource_name, properties, opts)
