"""A cluster of the lab."""

from typing import Literal

from components.schema.strict import Strict


class LocalClusterSettings(Strict):
    """A cluster of the lab, on this machine."""

    kind: Literal["local"]
