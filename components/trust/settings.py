"""The settings of the root CA: its owner, which stack issues the intermediates, and how long CAs are valid."""

from typing import Annotated, Any, Self

from pydantic import PlainValidator, PrivateAttr, ValidationInfo, field_validator, model_validator

from components.schema import names
from components.schema.strict import Strict
from components.trust import brought_root, external_root, revocation, rotation
from components.trust.brought_root import BroughtRoot
from components.trust.external_root import CertificateFile


def _serial(value: Any) -> str:
    return revocation.shown(revocation.serial(value))


Serial = Annotated[str, PlainValidator(_serial)]
"""The serial number of a CA's certificate, in hexadecimal digits."""


class BroughtRootSettings(Strict):
    """The user's own root CA, or an issuing CA below it with its `chain`: the paths of PEM files, read here alone.

    Without `key`, somebody else signs.
    """

    certificate: str
    chain: str | None = None
    key: str | None = None
    _read: BroughtRoot = PrivateAttr()

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        self._read = brought_root.load(self.certificate, self.key, self.chain)
        return self

    @property
    def read(self) -> BroughtRoot:
        """The content of the files."""
        return self._read


class AlsoTrustedSettings(Strict):
    """A root that the meshes trust beside the one that signs: a created one, or the user's own, as in `root`."""

    root_generation: names.Generation | None = None
    certificate: str | None = None
    chain: str | None = None
    key: str | None = None
    _read: BroughtRoot | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _is_one_root(self) -> Self:
        if (self.root_generation is None) == (self.certificate is None):
            raise ValueError("must have either root_generation, for a created root, or certificate, the path of a PEM")
        if self.certificate is not None:
            self._read = brought_root.load(self.certificate, self.key, self.chain)
        elif self.key is not None or self.chain is not None:
            raise ValueError("must have certificate beside key and chain")
        return self

    @property
    def brought(self) -> BroughtRoot:
        """The content of the files; only for a root that is not created."""
        if self._read is None:
            raise ValueError("a created root has no files")
        return self._read


class IssuedSettings(Strict):
    """A mesh of another stack, whose intermediate CA this stack issues; `stack` makes the request for it."""

    trust_domain: names.TrustDomain | None = None
    trust_domain_aliases: list[names.TrustDomain] = []
    stack: names.StackName | None = None


class TrustSettings(Strict):
    """The root CA, and how long it and the meshes' intermediate CAs are valid.

    The stack creates its root, unless `root` names the user's own or `stack` names another stack, which then issues
    this stack's intermediates. `issues` are meshes of other stacks whose intermediates this stack issues.
    `certificates` are those that somebody else signed, by mesh, if the key of `root` is elsewhere. `also_trusted` is a
    second root while one replaces the other. `ca_generations` are by mesh; `revoked` are serial numbers of CAs that no
    mesh uses any more.
    """

    intermediate_days: names.Days = 365
    root_days: names.Days = 3650
    root: BroughtRootSettings | None = None
    root_generation: names.Generation = 1
    also_trusted: AlsoTrustedSettings | None = None
    protect: bool = False
    issues: dict[names.Label, IssuedSettings] = {}
    stack: names.StackName | None = None
    certificates: dict[names.KnownMesh, Annotated[CertificateFile, PlainValidator(external_root.read)]] = {}
    ca_generations: dict[names.KnownMesh, names.Generation] = {}
    revoked: list[Serial] = []

    @model_validator(mode="before")
    @classmethod
    def _another_stacks_root_is_its_own_matter(cls, given: Any) -> Any:
        others = given.keys() - {"stack", "ca_generations"} if isinstance(given, dict) and "stack" in given else ()
        if others:
            raise ValueError(
                "with `stack` no other key but `ca_generations` is allowed, as that stack decides it (given: "
                f"{', '.join(sorted(others))})"
            )
        return given

    @field_validator("root_days")
    @classmethod
    def _outlives_intermediates(cls, days: int, info: ValidationInfo) -> int:
        if days <= info.data.get("intermediate_days", 0):
            raise ValueError(f"must be more than intermediate_days, which is {info.data['intermediate_days']}")
        return days

    @field_validator("root")
    @classmethod
    def _brought_one_outlives_intermediates(
        cls, root: BroughtRootSettings | None, info: ValidationInfo
    ) -> BroughtRootSettings | None:
        if root is not None and root.key is not None:
            root.read.check_outlives(info.data.get("intermediate_days", 0))
        return root

    @field_validator("root_generation")
    @classmethod
    def _is_of_a_created_root(cls, generation: int, info: ValidationInfo) -> int:
        if info.data.get("root") is not None:
            raise ValueError("is for a created root; remove it, as trust.root is your own")
        return generation

    @field_validator("also_trusted")
    @classmethod
    def _is_another_root(cls, also: AlsoTrustedSettings | None, info: ValidationInfo) -> AlsoTrustedSettings | None:
        if also is None or "root" not in info.data:
            return also
        root: BroughtRootSettings | None = info.data["root"]
        if root is None or also.root_generation is not None:
            same = root is None and also.root_generation == info.data.get("root_generation")
        else:
            same = rotation.same_key(also.brought.root_pem, root.read.root_pem)
        if same:
            raise ValueError("must be another root than the one that signs; remove it")
        return also

    @field_validator("revoked")
    @classmethod
    def _can_be_listed_by_every_ca(cls, revoked: list[str], info: ValidationInfo) -> list[str]:
        numbers = [revocation.serial(text) for text in revoked]
        if len(set(numbers)) < len(numbers):
            raise ValueError("lists a serial number twice")
        root, also = info.data.get("root"), info.data.get("also_trusted")
        beside = also.brought if also and also.root_generation is None else None
        if revoked and beside and beside.key is None:
            raise ValueError("needs a list signed by every trusted root: set key beside also_trusted.certificate")
        if revoked and any(one and one.between_pem for one in (root and root.read, beside)):
            raise ValueError(
                "needs a list signed by every CA above the meshes, and the key of a root above an issuing CA is "
                "elsewhere: remove it, or use a root whose key is here"
            )
        return revoked

    @model_validator(mode="after")
    def _who_signs_is_clear(self) -> Self:
        elsewhere = self.root is not None and self.root.key is None
        if self.certificates and not elsewhere:
            raise ValueError(
                "`certificates` are signed by a root whose key is elsewhere: set root.certificate without root.key, or "
                "remove them"
            )
        needing = ("issues", "intermediate_days", "revoked")
        decided = [key for key in needing if elsewhere and key in self.model_fields_set]
        if decided:
            raise ValueError(f"`{decided[0]}` needs the key of the root, to sign: set root.key, or remove it")
        return self

    @property
    def external(self) -> BroughtRoot | None:
        """The user's own root if somebody else has its key."""
        return self.root.read if self.root and self.root.key is None else None

    @property
    def brought(self) -> BroughtRoot | None:
        """The user's own root; None if a stack creates the root."""
        return self.root and self.root.read

    def ca_generation(self, mesh: str) -> int:
        """Return the number of the key of a mesh's CA."""
        return self.ca_generations.get(mesh, 1)

    def asked_by(self, mesh: str) -> str:
        """Return the stack that makes the request for a mesh: the one that has the mesh's name, unless told."""
        return self.issues[mesh].stack or mesh

    def issued_trust_domains(self, mesh: str) -> list[str]:
        """Return the trust domain that this stack issues a mesh's CA for, and then its aliases."""
        issued = self.issues[mesh]
        return [issued.trust_domain or names.default_trust_domain(mesh), *issued.trust_domain_aliases]
