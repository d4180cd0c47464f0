"""Reading the outputs of other stacks, while the program runs."""

from typing import Any

import pulumi

_FUNCTION = "pulumi:pulumi:readStackOutputs"
_NO_SUCH_STACK = "unknown stack"


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
    try:
        found = pulumi.runtime.invoke(_FUNCTION, {"name": stack})
    except Exception as error:  # the SDK raises no narrower one
        if _NO_SUCH_STACK in str(error):
            return {}
        raise UnreadableStackError(f"stack {stack} cannot be read: {error}") from error
    return found.value["outputs"]


def qualified(stack: str) -> str:
    """Return the full name of a stack: organization/project/stack."""
    return stack if "/" in stack else f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
