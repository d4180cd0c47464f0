"""The base class of all settings."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A mapping of the configuration: no other keys, no conversions, no changes after reading, no values in errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)
