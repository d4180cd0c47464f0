"""The settings of HTTPS at the ingress."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, PrivateAttr, field_validator, model_validator

from components.schema import names
from components.schema.strict import Strict
from components.trust import brought_certificate
from components.trust.brought_certificate import BroughtCertificate

_SECRET = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def _secret_name(value: Any) -> str:
    if not isinstance(value, str) or not _SECRET.fullmatch(value):
        raise ValueError("must be a Secret's name in istio-system: a-z, 0-9, - and ., such as shop-tls")
    if value == "cacerts":
        raise ValueError("is the mesh's CA; name the Secret with the certificate of the hosts")
    return value


class IngressTlsSettings(Strict):
    """Where the certificate comes from: the user's PEM files, a Secret that somebody fills, or the stack's root."""

    certificate: str | None = None
    key: str | None = None
    secret: Annotated[str, PlainValidator(_secret_name)] | None = None
    issuer: Literal["root"] | None = None
    _read: BroughtCertificate | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _comes_from_one_place(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together: give the paths of both PEM files")
        if [self.certificate, self.secret, self.issuer].count(None) != 2:
            raise ValueError(
                "must say where the certificate comes from, once: certificate and key, secret, or issuer: root"
            )
        if self.certificate is not None and self.key is not None:
            self._read = brought_certificate.load(self.certificate, self.key)
        return self

    @property
    def brought(self) -> BroughtCertificate | None:
        """The content of the user's PEM files; None if the certificate comes from elsewhere."""
        return self._read


class IngressSettings(Strict):
    """HTTPS for requests from outside: the hosts (by default those of all services), and their certificate."""

    hosts: Annotated[list[names.IngressHost], Field(min_length=1)] | None = None
    tls: IngressTlsSettings
    redirect: bool = True

    @field_validator("hosts")
    @classmethod
    def _can_be_named(cls, hosts: list[str] | None) -> list[str] | None:
        if "*" in (hosts or ()):
            raise ValueError("must name each host: no certificate is valid for '*'")
        if twice := sorted({host for host in hosts or () if (hosts or []).count(host) > 1}):
            raise ValueError(f"must name each host once, not {twice[0]} twice")
        return hosts
