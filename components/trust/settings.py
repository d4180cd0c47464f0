"""The root of trust, who issues the meshes' intermediates, and how long certificates are valid."""

from typing import Any

from pydantic import ValidationInfo, field_validator, model_validator

from components.schema import names
from components.schema.strict import Strict
from components.trust import brought_root


class BroughtRootSettings(Strict):
    """Paths of a root CA's PEM files."""

    certificate: str
    key: str


class IssuedSettings(Strict):
    """A mesh of another stack for which this one issues the intermediate CA."""

    trust_domain: names.TrustDomain | None = None


class TrustSettings(Strict):
    """The root (made, unless brought) and how long it and the meshes' intermediates are valid; or whose root it is.

    `issues`: meshes of other stacks that get their intermediates from here. `stack`: the stack that issues this one's.
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
            raise ValueError(f"with `stack` no other key is allowed, that stack decides (given: {others})")
        return given

    @field_validator("root_days")
    @classmethod
    def _outlives_intermediates(cls, days: int, info: ValidationInfo) -> int:
        if days <= info.data.get("intermediate_days", 0):
            raise ValueError(f"the root must outlive its intermediates of {info.data['intermediate_days']} days")
        return days

    @field_validator("root")
    @classmethod
    def _is_usable(cls, root: BroughtRootSettings | None, info: ValidationInfo) -> BroughtRootSettings | None:
        if root is not None:
            brought_root.load(root.certificate, root.key, info.data.get("intermediate_days", 0))
        return root

    def issued_trust_domain(self, mesh: str) -> str:
        """Return the trust domain of a mesh of another stack."""
        return self.issues[mesh].trust_domain or names.default_trust_domain(mesh)
