"""The certificate of a mesh's intermediate CA: pulumi-tls cannot state name constraints, so this resource signs it.

Pulumi calls the provider's methods in another process, which finds this module by its name. Pulumi stores only a
reference to the provider.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

import pulumi
from pulumi import dynamic

from components.trust import expiry

_COMPARED = ("request_pem", "root_pem", "trust_domain", "trust_domain_aliases", "validity_hours", "early_renewal_hours")
"""The inputs that make another certificate. The root's key is not among them: it belongs to the root's certificate."""
_TIME = "%Y-%m-%dT%H:%M:%SZ"


def ready_for_renewal(expires: str, early_renewal_hours: float, now: datetime) -> bool:
    """Return whether a certificate that expires then (RFC 3339) is to be replaced by now."""
    return datetime.fromisoformat(expires) - timedelta(hours=early_renewal_hours) <= now


class IntermediateCertificateProvider(dynamic.ResourceProvider):
    """Sign when the resource is created; replace it when an input changes, and before it expires.

    Outputs: the compared inputs, `certificate_pem`, `validity_start_time`, `validity_end_time`. Never the root's key.
    """

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Sign the certificate; the resource's id is its serial number. Raise SigningError."""
        from components.trust import signing

        signed = signing.sign(
            props["request_pem"],
            props["root_pem"],
            props["root_key_pem"],
            [props["trust_domain"], *props.get("trust_domain_aliases", ())],
            int(props["validity_hours"]),
            datetime.now(UTC),
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
        differing = [name for name in _COMPARED if _olds.get(name) != _news.get(name)]
        if not differing and ready_for_renewal(expires, _olds["early_renewal_hours"], now):
            differing = ["validity_end_time"]
        remedy = "this `pulumi up` renews it" if differing else "a later `pulumi up` renews it"
        if line := expiry.notice(f"the CA of trust domain {_olds['trust_domain']}", expires, remedy, now):
            print(line, flush=True)
        return dynamic.DiffResult(changes=bool(differing), replaces=differing)


class IntermediateCertificateArgs(TypedDict):
    """The arguments of the certificate."""

    request_pem: pulumi.Input[str]
    """The request of the mesh's CA, signed by its own key."""
    root_pem: pulumi.Input[str]
    root_key_pem: pulumi.Input[str]
    """A secret."""
    trust_domain: str
    """What the CA may sign identities of."""
    trust_domain_aliases: Sequence[str]
    """Other trust domains that it may sign identities of."""
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
        properties = {**args, "root_key_pem": pulumi.Output.secret(args["root_key_pem"]), **outputs}
        if not args["trust_domain_aliases"]:  # as in the state of a stack that has never had one
            del properties["trust_domain_aliases"]
        super().__init__(IntermediateCertificateProvider(), resource_name, properties, opts)
