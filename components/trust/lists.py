"""The revocation lists of a stack: which it signs, and which its meshes need."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi

from components.trust import revocation
from components.trust.absent_root import AbsentRoot
from components.trust.ca import IntermediateCa, RootCa, Signer
from components.trust.mesh_key import MeshKey
from components.trust.requested_ca import IssuedCa
from components.trust.settings import TrustSettings

Ca = IntermediateCa | IssuedCa


@dataclass(frozen=True)
class RevocationLists:
    """Lists as PEM texts: of the stack's roots ("" while nothing is revoked), of its CAs, and all that a mesh needs.

    `needed` is None while nothing is revoked. Proxies that know no list then check none, so a CA needs none.
    """

    of_roots: pulumi.Output[str]
    of_cas: pulumi.Output[str]
    needed: pulumi.Output[str] | None


def revocation_lists(
    trust: TrustSettings, root: RootCa | AbsentRoot, cas: Sequence[Ca], peers: Sequence[str], earlier: str
) -> RevocationLists:
    """Return the lists of this run.

    `peers` are the lists (PEM) of the CAs of peers, `earlier` are those of the roots before this run.
    """
    of_roots = _of_roots(trust, root, earlier)
    of_cas = pulumi.Output.concat(*(_of_ca(ca) for ca in cas), *_of_keys_to_come(root))
    if of_roots is None:
        return RevocationLists(pulumi.Output.from_input(""), of_cas, None)
    return RevocationLists(of_roots, of_cas, pulumi.Output.all(of_roots, of_cas, *peers).apply(merged))


def merged(texts: Sequence[str]) -> str:
    """Return the lists in PEM texts, each once, in their order."""
    return "".join(dict.fromkeys(one for text in texts for one in revocation.split(text)))


def _of_roots(trust: TrustSettings, root: RootCa | AbsentRoot, earlier: str) -> pulumi.Output[str] | None:
    """Return the list of every root that the meshes trust; None while nothing is revoked."""
    if isinstance(root, AbsentRoot):
        return pulumi.Output.from_input(root.lists_of_roots) if root.lists_of_roots else None
    if not trust.revoked:
        return None
    numbers = [revocation.serial(text) for text in trust.revoked]
    signers = [root.signer, *(also.signer for also in root.also.values() if also.signer)]
    return pulumi.Output.concat(*(_of_root(signer, numbers, earlier) for signer in signers))


def _of_root(signer: Signer, numbers: Sequence[int], earlier: str) -> pulumi.Output[str]:
    """Return the list of one root.

    The user's own need not sign again what it signed before, so its key need not be there; here alone is it read.
    """
    if path := signer.key.get("root_key_file"):
        file = Path(path).expanduser()
        return signer.certificate_pem.apply(
            lambda pem: revocation.earlier(pem, numbers, earlier) or revocation.of_root(pem, file.read_text(), numbers)
        )
    pair = pulumi.Output.all(signer.certificate_pem, signer.key.get("root_key_pem"))
    return pulumi.Output.unsecret(pair.apply(lambda pair: revocation.of_root(pair[0], pair[1], numbers)))


def _of_ca(ca: Ca) -> pulumi.Output[str]:
    """Return the lists of a mesh's CA, and of the key that it gets next; they are no secret."""
    if isinstance(ca, IssuedCa):
        signed = pulumi.Output.all(ca.certificate_pem, ca.private_key_pem, ca.root_pem, ca.trust_domains[1:])
        return pulumi.Output.unsecret(signed.apply(lambda given: revocation.of_issued(*given)))
    return pulumi.Output.concat(*(_of_key(key, ca.root_pem) for key in ca.keys))


def _of_keys_to_come(root: RootCa | AbsentRoot) -> list[pulumi.Output[str]]:
    """Return the list of each key whose certificate another stack has not signed yet."""
    if not isinstance(root, AbsentRoot) or root.certificate_pem is None:
        return []
    return [_of_key(key, root.certificate_pem) for key in root.keys_to_come]


def _of_key(key: MeshKey, root_pem: pulumi.Output[str]) -> pulumi.Output[str]:
    given = pulumi.Output.all(key.request_pem, key.private_key_pem, root_pem, key.aliases)
    return pulumi.Output.unsecret(given.apply(lambda given: revocation.of_ca(*given)))
