"""The settings of the root CA: its owner, which stack issues the intermediates, and how long CAs are valid."""

from typing import Annotated, Any, Self

from pydantic import PlainValidator, PrivateAttr, ValidationInfo, field_validator, model_validator

from components.schema import names
from components.schema.strict import Strict
from components.trust import brought_root, revocation, rotation, trusted_root
from components.trust.brought_root import BroughtRoot


def _serial(value: Any) -> str:
    return revocation.shown(revocation.serial(value))


Serial = Annotated[str, PlainValidator(_serial)]
"""The serial number of a CA's certificate, in hexadecimal digits."""


class BroughtRootSettings(Strict):
    """The user's own root CA: the paths of its PEM files. Only this class reads them."""

    certificate: str
    key: str
    _read: BroughtRoot = PrivateAttr()

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        self._read = brought_root.load(self.certificate, self.key)
        return self

    @property
    def read(self) -> BroughtRoot:
        """The content of the files."""
        return self._read


class AlsoTrustedSettings(Strict):
    """A root that the meshes trust beside the one that signs: a created one, or the path of a PEM certificate."""

    root_generation: names.Generation | None = None
    certificate: str | None = None
    key: str | None = None
    _pem: str = PrivateAttr(default="")
    _key: str | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _is_one_root(self) -> Self:
        if (self.root_generation is None) == (self.certificate is None):
            raise ValueError("must have either root_generation, for a created root, or certificate, the path of a PEM")
        if self.certificate is None and self.key is not None:
            raise ValueError("must have certificate beside key")
        if self.certificate is not None and self.key is not None:
            read = brought_root.load(self.certificate, self.key)
            self._pem, self._key = read.certificate_pem, read.private_key_pem
        elif self.certificate is not None:
            self._pem = trusted_root.load(self.certificate)
        return self

    @property
    def certificate_pem(self) -> str:
        """The content of the file; an empty text for a created root."""
        return self._pem

    @property
    def private_key_pem(self) -> str | None:
        """The content of the key's file; None if it is not given."""
        return self._key


class IssuedSettings(Strict):
    """A mesh of another stack, whose intermediate CA this stack issues."""

    trust_domain: names.TrustDomain | None = None


class TrustSettings(Strict):
    """The root CA, and how long it and the meshes' intermediate CAs are valid.

    The stack creates its root, unless `root` names the user's own or `stack` names another stack, which then issues
    this stack's intermediates. `also_trusted` is a second root while one replaces the other. `issues` are meshes of
    other stacks whose intermediates this stack issues. `ca_generations` are by mesh of this stack or of `issues`;
    `revoked` are serial numbers of CAs that no mesh uses any more.
    """

    intermediate_days: names.Days = 365
    root_days: names.Days = 3650
    root: BroughtRootSettings | None = None
    root_generation: names.Generation = 1
    also_trusted: AlsoTrustedSettings | None = None
    protect: bool = False
    issues: dict[names.Label, IssuedSettings] = {}
    stack: names.StackName | None = None
    ca_generations: dict[names.Label, names.Generation] = {}
    revoked: list[Serial] = []

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
        if root is not None:
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
        root = info.data.get("root")
        if also is None or "root" not in info.data:
            return also
        if root is None:
            same = also.root_generation is not None and also.root_generation == info.data.get("root_generation")
        else:
            same = bool(also.certificate_pem) and rotation.same_key(also.certificate_pem, root.read.certificate_pem)
        if same:
            raise ValueError("must be another root than the one that signs; remove it")
        return also

    @field_validator("revoked")
    @classmethod
    def _can_be_listed_by_every_root(cls, revoked: list[str], info: ValidationInfo) -> list[str]:
        numbers = [revocation.serial(text) for text in revoked]
        if len(set(numbers)) < len(numbers):
            raise ValueError("lists a serial number twice")
        also = info.data.get("also_trusted")
        if revoked and also and also.certificate is not None and also.key is None:
            raise ValueError("needs a list signed by every trusted root: set key beside also_trusted.certificate")
        return revoked

    @property
    def brought(self) -> BroughtRoot | None:
        """The user's own root; None if a stack creates the root."""
        return self.root and self.root.read

    def ca_generation(self, mesh: str) -> int:
        """Return the number of the key of a mesh's CA."""
        return self.ca_generations.get(mesh, 1)

    def issued_trust_domain(self, mesh: str) -> str:
        """Return the trust domain of a mesh of another stack."""
        return self.issues[mesh].trust_domain or names.default_trust_domain(mesh)
