"""The settings of the root CA: its owner, which stack issues the intermediates, and how long CAs are valid."""

from typing import Any, Self

from pydantic import PrivateAttr, ValidationInfo, field_validator, model_validator

from components.schema import names
from components.schema.strict import Strict
from components.trust import brought_root
from components.trust.brought_root import BroughtRoot


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


class IssuedSettings(Strict):
    """A mesh of another stack, whose intermediate CA this stack issues."""

    trust_domain: names.TrustDomain | None = None
    trust_domain_aliases: list[names.TrustDomain] = []


class TrustSettings(Strict):
    """The root CA, and how long it and the meshes' intermediate CAs are valid.

    The stack creates its root, unless `root` names the user's own or `stack` names another stack, which then issues
    this stack's intermediates. `issues` are meshes of other stacks whose intermediates this stack issues.
    """

    intermediate_days: names.Days = 365
    root_days: names.Days = 3650
    root: BroughtRootSettings | None = None
    protect: bool = False
    issues: dict[names.Label, IssuedSettings] = {}
    stack: names.StackName | None = None

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

    @property
    def brought(self) -> BroughtRoot | None:
        """The user's own root; None if a stack creates the root."""
        return self.root and self.root.read

    def issued_trust_domains(self, mesh: str) -> list[str]:
        """Return the trust domain that this stack issues a mesh's CA for, and then its aliases."""
        issued = self.issues[mesh]
        return [issued.trust_domain or names.default_trust_domain(mesh), *issued.trust_domain_aliases]
