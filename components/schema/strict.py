"""A mapping of the configuration, held to what is declared."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A mapping of the configuration: no other keys, no conversions, no changes after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
