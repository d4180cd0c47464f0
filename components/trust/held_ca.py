"""What a stack's own state says of the CAs of its meshes: their present keys, and the CAs that the meshes run with."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.trust import mesh_key

State = Mapping[tuple[str, str], Mapping[str, Any]]
"""The outputs of the stack's resources, by kind and name."""


@dataclass(frozen=True)
class HeldCa:
    """The CA that a mesh runs with: the files of its Secret `cacerts`."""

    certificate: str
    chain: str
    """From the certificate to the root."""
    roots: str
    """Every root that its mesh trusts; the one under which it is signed is first."""
    private_key: str = field(repr=False)

    @property
    def root(self) -> str:
        """The root under which it is signed."""
        from components.trust import chain

        return chain.pem(chain.certificates(self.roots)[:1])

    @property
    def generation(self) -> int:
        """The number of its key."""
        return mesh_key.noted(self.roots)

    def misfit(self, trust_domain: str) -> str | None:
        """Return why a mesh of this trust domain cannot keep the CA; None if it can."""
        from cryptography import x509

        from components.trust import authority

        if not authority.excludes(x509.load_pem_x509_certificate(self.certificate.encode()), trust_domain):
            return None
        return (
            f"the CA that the mesh runs with is for another trust domain than {trust_domain}, and none is signed for "
            "this one yet: restore the trust domain, have the key of the present request signed for the new one, and "
            "then change it"
        )


def of(mesh: str, state: State) -> HeldCa | None:
    """Return the CA that a mesh runs with; None for a mesh that does not run yet."""
    secret = state.get(("Secret", f"{mesh}-cacerts"))
    if secret is None:
        return None
    encoded, plain = secret.get("data") or {}, secret.get("stringData") or {}
    files = {name: base64.b64decode(text).decode() for name, text in encoded.items()} | plain
    return HeldCa(files["ca-cert.pem"], files["cert-chain.pem"], files["root-cert.pem"], files["ca-key.pem"])


def public_key(mesh: str, generation: int, state: State) -> str | None:
    """Return the public key (PEM) of a mesh's CA that a certificate must be for; None before there is one."""
    return state.get(("PrivateKey", mesh_key.name(mesh, generation)), {}).get("publicKeyPem")
