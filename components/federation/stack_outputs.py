"""Reading the outputs of other stacks, while the program runs."""

import time
from typing import Any

import pulumi

_OUTPUTS = "pulumi:pulumi:readStackOutputs"
_RESOURCES = "pulumi:pulumi:readStackResourceOutputs"
_NO_SUCH_STACK = "unknown stack"
_BEING_WRITTEN = "failed to load checkpoint: EOF"
"""Seen of this stack's own state in a folder, which the engine writes meanwhile."""
_ATTEMPTS, _PAUSE_SECONDS = 5, 0.2


class UnreadableStackError(pulumi.RunError):
    """The backend cannot read a stack; the message has the engine's reason."""


def read(stack: str) -> dict[str, Any]:
    """Return the outputs of a stack; `{}` if it does not exist or has none (not up yet, or destroyed).

    `stack` is a name in this project, or organization/project/stack. The returned secrets are plain text: a caller
    that stores one must make it a secret again. A secret encrypted with another passphrase or key is returned as `{}`.
    Raise UnreadableStackError if the backend does not answer, or refuses.

    This calls the engine's own function instead of registering a `pulumi.StackReference`, for three reasons. A
    reference to a stack that does not exist fails the whole deployment. Its values arrive when the program already
    registers resources: too late to reject a contradiction, or to name a resource after a peer's service. It also
    copies every output into this stack's state, including the kubeconfigs of a peer.
    """
    return _asked(_OUTPUTS, "name", stack)


def own_resources() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the outputs of the resources in this stack's state, by kind (`Secret`) and name; `{}` before it is up.

    The returned secrets are plain text. Raise UnreadableStackError if the backend does not answer, or refuses.
    """
    found = _asked(_RESOURCES, "stackName", pulumi.get_stack())
    return {
        (about["type"].rpartition(":")[2], urn.rpartition("::")[2]): about["outputs"] for urn, about in found.items()
    }


def _asked(function: str, parameter: str, stack: str) -> dict[str, Any]:
    attempts = _ATTEMPTS
    while True:
        try:
            found = pulumi.runtime.invoke(function, {parameter: stack})
        except Exception as error:  # the SDK raises no narrower one
            if _NO_SUCH_STACK in str(error):
                return {}
            attempts -= 1
            if _BEING_WRITTEN not in str(error) or not attempts:
                raise UnreadableStackError(f"stack {stack} cannot be read: {error}") from error
        else:
            return found.value["outputs"]
        time.sleep(_PAUSE_SECONDS)


def qualified(stack: str) -> str:
    """Return the full name of a stack: organization/project/stack."""
    return stack if "/" in stack else f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
