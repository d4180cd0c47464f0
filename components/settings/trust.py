"""The root of trust, and how long certificates are valid."""

from pydantic import ValidationInfo, field_validator

from components import brought_root, names
from components.settings.strict import Strict


class BroughtRootSettings(Strict):
    """Paths of a root CA's PEM files."""

    certificate: str
    key: str


class TrustSettings(Strict):
    """The root (made, unless brought) and how long it and the meshes' intermediates are valid."""

    intermediate_days: names.Days = 365
    root_days: names.Days = 3650
    root: BroughtRootSettings | None = None
    protect: bool = False

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
