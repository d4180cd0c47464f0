"""The signing request of a mesh's CA: pulumi-tls cannot ask for extensions, so this resource makes it.

Pulumi calls the provider's methods in another process, which finds this module by its name. Pulumi stores only a
reference to the provider.
"""

import hashlib
from typing import Any, TypedDict

import pulumi
from pulumi import dynamic

from components.dynamic_errors import without_tracebacks

_COMPARED = ("public_key_pem", "common_name", "trust_domain")
"""The inputs that make another request. A private key in another format makes no other one."""


@without_tracebacks
class CertificateRequestProvider(dynamic.ResourceProvider):
    """Make the request when the resource is created; replace it when an input changes.

    Outputs: the compared inputs and `request_pem`. Never the key.
    """

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Make the request; the resource's id is the SHA-256 of it. Raise SigningError."""
        from components.trust import signing

        made = signing.request(props["private_key_pem"], props["common_name"], props["trust_domain"])
        outputs = {**{name: props[name] for name in _COMPARED}, "request_pem": made}
        return dynamic.CreateResult(hashlib.sha256(made.encode()).hexdigest(), outputs)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Ask for a replacement if an input differs."""
        differing = [name for name in _COMPARED if _olds.get(name) != _news.get(name)]
        return dynamic.DiffResult(changes=bool(differing), replaces=differing)


class CertificateRequestArgs(TypedDict):
    """The arguments of the request."""

    private_key_pem: pulumi.Input[str]
    """A secret."""
    public_key_pem: pulumi.Input[str]
    common_name: str
    trust_domain: str
    """What the CA is to sign identities of."""


class CertificateRequest(dynamic.Resource, module="multimesh", name="CertificateRequest"):
    """A request for the certificate of a CA that signs identities of one trust domain alone."""

    request_pem: pulumi.Output[str]

    def __init__(
        self, resource_name: str, args: CertificateRequestArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        properties = {
            **args,
            "private_key_pem": pulumi.Output.secret(args["private_key_pem"]),
            "request_pem": None,
        }
        super().__init__(CertificateRequestProvider(), resource_name, properties, opts)
