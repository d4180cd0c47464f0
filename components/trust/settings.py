"""The settings of the root CA: its owner, which stack issues the intermediates, and how long CAs are valid."""

from typing import Annotated, Any, Self

from pydantic import PlainValidator, PrivateAttr, ValidationInfo, field_validator, model_validator

from components.schema import names
from components.schema.strict import Strict
from components.trust import brought_root, external_root
from components.trust.brought_root import BroughtRoot
from components.trust.external_root import CertificateFile


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


class IssuedSettings(Strict):
    """A mesh of another stack, whose intermediate CA this stack issues; `stack` makes the request for it."""

    trust_domain: names.TrustDomain | None = None
    stack: names.StackName | None = None


class TrustSettings(Strict):
    """The root CA, and how long it and the meshes' intermediate CAs are valid.

    The stack creates its root, unless `root` names the user's own or `stack` names another stack, which then issues
    this stack's intermediates. `issues` are meshes of other stacks whose intermediates this stack issues.
    `certificates` are those that somebody else signed, by mesh, if the key of `root` is elsewhere.
    """

    intermediate_days: names.Days = 365
    root_days: names.Days = 3650
    root: BroughtRootSettings | None = None
    protect: bool = False
    issues: dict[names.Label, IssuedSettings] = {}
    stack: names.StackName | None = None
    certificates: dict[names.KnownMesh, Annotated[CertificateFile, PlainValidator(external_root.read)]] = {}

    @model_validator(mode="before")
    @classmethod
    def _another_stacks_root_is_its_own_matter(cls, given: Any) -> Any:
        if isinstance(given, dict) and "stack" in given and len(given) > 1:
            others = ", ".join(sorted(given.keys() - {"stack"}))
            raise ValueError(f"with `stack` no other key is allowed, as that stack decides it (given: {others})")
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

    @model_validator(mode="after")
    def _who_signs_is_clear(self) -> Self:
        elsewhere = self.root is not None and self.root.key is None
        if self.certificates and not elsewhere:
            raise ValueError(
                "`certificates` are signed by a root whose key is elsewhere: set root.certificate without root.key, or "
                "remove them"
            )
        decided = [key for key in ("issues", "intermediate_days") if elsewhere and key in self.model_fields_set]
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

    def asked_by(self, mesh: str) -> str:
        """Return the stack that makes the request for a mesh: the one that has the mesh's name, unless told."""
        return self.issues[mesh].stack or mesh

    def issued_trust_domain(self, mesh: str) -> str:
        """Return the trust domain of a mesh of another stack."""
        return self.issues[mesh].trust_domain or names.default_trust_domain(mesh)
