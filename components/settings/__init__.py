"""The whole configuration of a stack, as one validated, typed model. Nothing here opens a connection."""

from components.schema.problems import SettingsError
from components.settings.configuration import read, validate
from components.settings.service import ServiceSettings
from components.settings.stack import MeshSettings, Settings

__all__ = ["MeshSettings", "ServiceSettings", "Settings", "SettingsError", "read", "validate"]
