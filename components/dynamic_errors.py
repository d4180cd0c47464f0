"""Errors of dynamic providers: Pulumi shows the user a traceback, whose last line has the message."""

import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from pulumi import dynamic

_METHODS = ("check", "create", "diff", "read", "update", "delete")
_PACKAGES = ("components", "lab")

P = TypeVar("P", bound=type[dynamic.ResourceProvider])


def without_tracebacks(provider: P) -> P:
    """Return the provider's class, of whose methods an error that this project defines arrives as its message alone.

    Such an error is written for the user. Any other is a fault of the program, which its traceback helps to find.
    Source: `_abort_with_traceback` in Pulumi's `pulumi/dynamic/__main__.py`, which runs the methods in a process that
    does nothing else.
    """
    for name in _METHODS:
        if name in vars(provider):
            setattr(provider, name, _plain(vars(provider)[name]))
    return provider


def _plain(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def called(*arguments: Any) -> Any:
        try:
            return method(*arguments)
        except Exception as error:
            if _runs_providers_alone():
                own = type(error).__module__.partition(".")[0] in _PACKAGES
                sys.tracebacklimit = 0 if own else 1000  # Python's default
            raise

    return called


def _runs_providers_alone() -> bool:
    """Return whether this is the process that Pulumi starts for dynamic providers: elsewhere, its SDK reads stacks."""
    return getattr(sys.modules["__main__"].__spec__, "name", None) == "pulumi.dynamic.__main__"
