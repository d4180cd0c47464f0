"""A root whose key somebody else has: Vault, a private CA service, cert-manager, a colleague with a safe.

The stack exports its requests, and takes the signed certificates as files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.schema import names, problems
from components.trust import rotation
from components.trust.absent_root import Found, SignedCa, ThisStack, Trusted
from components.trust.brought_root import BroughtRoot

_REMEDY = "have the request (output `requests`) signed again, and set trust.certificates to the new certificate"


@dataclass(frozen=True)
class CertificateFile:
    """A file with a mesh's CA certificate, and after it those of the CAs above that the root's files do not have."""

    path: str
    pem: str


def read(path: object) -> CertificateFile:
    """Return a file of certificates (PEM). Raise ValueError with what is wrong with it."""
    from components.trust import chain

    if not isinstance(path, str) or "\n" in path:
        raise ValueError("must be the path of a PEM file with the mesh's signed certificate")
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError("is not a text file (UTF-8)") from None
    except OSError as error:
        raise ValueError(str(error.strerror)) from None
    except RuntimeError as error:  # `~` of nobody
        raise ValueError(str(error)) from None
    if "PRIVATE KEY-----" in text:
        raise ValueError("has a private key: the key of a mesh's CA never leaves its stack; give the certificate alone")
    if "CERTIFICATE REQUEST-----" in text:
        raise ValueError("is a request: give the certificate that was signed for it")
    chain.certificates(text)
    return CertificateFile(path, text)


def check(root: BroughtRoot, files: Mapping[str, CertificateFile], own: ThisStack) -> Found:
    """Return the CAs of this stack's meshes; those without a certificate keep what they have, or wait."""
    domains = {
        mesh: [given.trust_domain or names.default_trust_domain(mesh), *given.aliases]
        for mesh, given in own.trust_domains.items()
    }
    held, signed, notes, wrong = own.held(), dict[str, SignedCa](), list[str](), list[str]()
    for mesh, of_mesh in domains.items():
        if mesh not in files:
            notes.append(_note(mesh, of_mesh, kept=mesh in held))
            if mesh in held and (misfit := held[mesh].misfit(of_mesh[0])):
                wrong.append(problems.problem(("meshes", mesh, "trust_domain"), of_mesh[0], misfit))
            continue
        ca, faults = _signed(mesh, of_mesh, files[mesh], root, own)
        signed[mesh] = ca
        wrong += [problems.problem(("trust", "certificates", mesh), files[mesh].path, fault) for fault in faults]
    held = {mesh: ca for mesh, ca in held.items() if mesh not in signed}
    roots = {rotation.brought(root.root_pem): root.root_pem}
    return Found(Trusted(root.root_pem, domains, signed, held, _REMEDY, roots), notes, wrong)


def _signed(
    mesh: str, trust_domains: Sequence[str], file: CertificateFile, root: BroughtRoot, own: ThisStack
) -> tuple[SignedCa, list[str]]:
    """Return a mesh's CA, and why it must not be used."""
    from components.trust import chain

    certificates = chain.certificates(file.pem)
    ca = SignedCa(chain.pem(certificates[:1]), chain.pem(certificates[1:]), root.root_pem)
    if not own.has_key_of(mesh, ca.certificate):
        return ca, [
            f"is not for the key of mesh {mesh}'s CA: remove it, run `pulumi up`, and have the request in the output "
            "`requests` signed"
        ]
    try:
        way = chain.path(certificates, chain.certificates(root.between_pem + root.root_pem))
    except chain.ChainError as error:
        return ca, [str(error)]
    if chain.pem(way[-1:]) != root.root_pem:
        return ca, [f"ends at another root, '{chain.name(way[-1])}', and not at that of {root.certificate}"]
    ca = SignedCa(chain.pem(way[:1]), chain.pem(way[1:-1]), root.root_pem)
    return ca, ca.faults(trust_domains)


def _note(mesh: str, trust_domains: Sequence[str], *, kept: bool) -> str:
    meanwhile = "keeps the CA that it has" if kept else "waits, and is not created yet"
    return (
        f"multimesh:trust.certificates: there is none for {mesh}, so the mesh {meanwhile}: after this `pulumi up`, "
        "have its request (output `requests`) signed with the extensions that it asks for (a CA with path length 0, "
        f"and critical name constraints that permit {', '.join(trust_domains)}), set trust.certificates.{mesh} to the "
        "file, and run `pulumi up` again"
    )
