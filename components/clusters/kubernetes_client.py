"""The official Kubernetes client without the rest of its package, which takes most of a second to import.

The rest is what most runs of the program do not use: OAuth, web sockets, watches. It is imported when it is used.
"""

import importlib
import sys
import threading
from types import ModuleType
from typing import Any

_REST = ("config", "dynamic", "watch", "stream", "utils", "leaderelection", "informer")
"""What `kubernetes/__init__.py` imports besides `kubernetes.client`."""
_LOCK = threading.Lock()


def import_alone() -> None:
    """Let `import kubernetes` import `kubernetes.client` alone, and each other part when something of it is used."""
    if "kubernetes" not in sys.modules:
        for part in _REST:
            later = ModuleType(f"kubernetes.{part}")
            later.__dict__["__getattr__"] = _Part(later.__name__)  # PEP 562
            sys.modules[later.__name__] = later


class _Part:
    """Imports a part of the package when an attribute of its module is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, attribute: str) -> Any:
        with _LOCK:
            if isinstance(getattr(sys.modules.get(self._name), "__getattr__", None), _Part):
                del sys.modules[self._name]
        return getattr(importlib.import_module(self._name), attribute)
