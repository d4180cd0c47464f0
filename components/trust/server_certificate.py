"""The certificate with which the gateways prove the ingress hosts to clients outside all meshes."""

from collections.abc import Sequence
from typing import Protocol, TypedDict

import pulumi
import pulumi_tls as tls

from components.trust import expiry
from components.trust.brought_certificate import BroughtCertificate
from components.trust.ca import whole_seconds

_HOURS_A_DAY = 24


class ServerCertificate(Protocol):
    """A certificate of the ingress hosts, with its chain, and its key."""

    @property
    def chain_pem(self) -> pulumi.Input[str]:
        """The certificate of the hosts, then the CAs that signed it."""
        ...

    @property
    def private_key_pem(self) -> pulumi.Input[str]:
        """The key, to be kept secret."""
        ...


class RootSignedArgs(TypedDict):
    """The arguments of a certificate that the root signs."""

    root_pem: pulumi.Input[str]
    root_key_pem: pulumi.Input[str]
    """A secret."""
    hosts: Sequence[str]
    validity_days: int


class RootSigned(pulumi.ComponentResource):
    """A certificate that the stack's own root signs, for trying: only clients that know this root accept it."""

    chain_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]
    """A secret."""

    def __init__(self, name: str, args: RootSignedArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        described = {"hosts": args["hosts"], "validity_days": args["validity_days"]}
        super().__init__("multimesh:index:ServerCertificate", name, described, opts)
        own = pulumi.ResourceOptions(parent=self)
        hours = args["validity_days"] * _HOURS_A_DAY
        private = tls.PrivateKey(f"{name}-key", algorithm="ECDSA", ecdsa_curve="P256", opts=own)
        request = tls.CertRequest(
            f"{name}-request",
            private_key_pem=private.private_key_pem,
            # A common name has 64 characters at most, and nobody reads it.
            subject={"common_name": "multimesh ingress"},
            dns_names=list(args["hosts"]),
            opts=own,
        )
        signed = tls.LocallySignedCert(
            f"{name}-certificate",
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=args["root_key_pem"],
            ca_cert_pem=args["root_pem"],
            allowed_uses=["digital_signature", "server_auth"],
            validity_period_hours=hours,
            early_renewal_hours=hours // 3,
            opts=own,
        )
        self.chain_pem = signed.cert_pem
        self.private_key_pem = pulumi.Output.secret(private.private_key_pem)
        expires = signed.validity_end_time.apply(whole_seconds)
        expiry.announce("the ingress certificate", expires, "a later `pulumi up` renews it", pulumi.log.info)
        self.register_outputs({"chain_pem": self.chain_pem})


def announce(brought: BroughtCertificate) -> None:
    """Say when a certificate that the user brought expires soon."""
    expires = pulumi.Output.from_input(brought.expires)
    remedy = "put a new one in its place and run `pulumi up`"
    expiry.announce(f"the ingress certificate {brought.certificate}", expires, remedy, pulumi.log.warn)
