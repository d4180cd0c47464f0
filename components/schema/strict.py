"""The base class of all settings."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A mapping of the configuration: no other keys, no conversions, no changes after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
