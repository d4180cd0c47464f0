"""The revocation lists of a stack: which it signs, and which its meshes need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.schema import problems
from components.trust import revocation
from components.trust.ca import IntermediateCa, RootCa
from components.trust.settings import TrustSettings
from components.trust.trust_stack import IssuedCa, TrustStack

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
    trust: TrustSettings, root: RootCa | TrustStack, cas: Sequence[Ca], peers: Sequence[str]
) -> RevocationLists:
    """Return the lists of this run; `peers` are the lists (PEM) of the CAs of peers."""
    of_roots = _of_roots(trust, root)
    of_cas = pulumi.Output.concat(*(_of_ca(ca) for ca in cas))
    if of_roots is None:
        return RevocationLists(pulumi.Output.from_input(""), of_cas, None)
    issuer = root.lists_of_issued if isinstance(root, TrustStack) else ""
    needed = pulumi.Output.all(of_roots, of_cas, issuer, *peers).apply(merged)
    return RevocationLists(of_roots, of_cas, needed)


def merged(texts: Sequence[str]) -> str:
    """Return the lists in PEM texts, each once, in their order."""
    end = "-----END X509 CRL-----\n"
    found = [one.strip() + "\n" + end for text in texts for one in text.split(end) if one.strip()]
    return "".join(dict.fromkeys(found))


def _of_roots(trust: TrustSettings, root: RootCa | TrustStack) -> pulumi.Output[str] | None:
    """Return the list of every root that the meshes trust; None while nothing is revoked."""
    if isinstance(root, TrustStack):
        return pulumi.Output.from_input(root.lists_of_roots) if root.lists_of_roots else None
    if not trust.revoked:
        return None
    numbers = [revocation.serial(text) for text in trust.revoked]
    keys = [(root.certificate_pem, root.private_key_pem)]
    keys += [(also.certificate_pem, also.private_key_pem) for also in root.also.values() if also.private_key_pem]
    return pulumi.Output.concat(
        *(
            pulumi.Output.unsecret(
                pulumi.Output.all(certificate, key).apply(lambda pair: revocation.of_root(pair[0], pair[1], numbers))
            )
            for certificate, key in keys
        )
    )


def _of_ca(ca: Ca) -> pulumi.Output[str]:
    """Return the lists of a mesh's CA, and of the key that it gets next; they are no secret."""
    if isinstance(ca, IssuedCa):
        signed = pulumi.Output.all(ca.certificate_pem, ca.private_key_pem, ca.root_pem)
        return pulumi.Output.unsecret(signed.apply(lambda given: revocation.of_issued(*given)))
    return pulumi.Output.concat(
        *(
            pulumi.Output.unsecret(
                pulumi.Output.all(request, key, ca.root_pem).apply(lambda given: revocation.of_ca(*given))
            )
            for request, key in ca.keys
        )
    )


def refused(trust: TrustSettings, had: Mapping[str, Any], peers: Mapping[str, Any], revokes: bool) -> list[str]:
    """Return a line for each entry of trust.revoked that comes too early, and for lists that would be missing.

    `had` are the stack's own outputs, `peers` those of its peers, by stack; `revokes` is whether any CA is revoked.
    """
    found, path = [], ("trust", "revoked")
    numbers = [revocation.serial(text) for text in trust.revoked]
    serials = {name: about.get("ca_serial", "") for name, about in (had.get("meshes") or {}).items()}
    for mesh in revocation.still_signing(numbers, serials):
        following = max(trust.ca_generation(mesh), int(had["meshes"][mesh].get("ca_generation", 1)) + 1)
        message = (
            f"mesh {mesh} still signs with this CA. First give it another key: set trust.ca_generations.{mesh} to "
            f"{following} and run `pulumi up` without this entry"
        )
        found.append(problems.problem(path, serials[mesh], message))
    for stack, outputs in peers.items():
        serials = {name: about.ca_serial for name, about in outputs.meshes.items()}
        for mesh in revocation.still_signing(numbers, serials):
            message = f"mesh {mesh} of stack {stack} signs with this CA. Wait for {stack}: run `pulumi up` there"
            found.append(problems.problem(path, serials[mesh], message))
        if revokes and not outputs.revocation_lists:
            message = (
                f"stack {stack} has no revocation list of its CAs yet, so its meshes would be refused. "
                f"Wait for {stack}: run `pulumi up` there"
            )
            found.append(problems.problem(path, problems.ABSENT, message))
    if had.get("root_revocation_lists") and not trust.stack and not trust.revoked:
        message = (
            "proxies check revocation lists since a CA was revoked, and refuse every CA that has none, so keep an entry"
        )
        found.append(problems.problem(path, problems.ABSENT, message))
    return found
