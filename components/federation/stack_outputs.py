"""What another stack says of itself: its outputs, read while the program runs."""

from typing import Any

import pulumi

_FUNCTION = "pulumi:pulumi:readStackOutputs"
_NO_SUCH_STACK = "unknown stack"


class UnreadableStack(pulumi.RunError):
    """The backend cannot be asked for a stack; the message is the engine's."""


def read(stack: str) -> dict[str, Any]:
    """Return the outputs of a stack, `{}` for one that is not there, or that has none (not up yet, or destroyed).

    `stack` is a name in this project, or organization/project/stack. Secrets are plain in what is returned: who keeps
    one makes it a secret again. A secret of another passphrase or key reads as `{}`. Raises UnreadableStack when the
    backend does not answer or refuses.

    This asks the engine's own function instead of registering a `pulumi.StackReference`, for three reasons. A reference
    to a stack that is not there fails the whole deployment. Its values arrive when resources are being made already:
    too late to refuse a contradiction, and too late to name a resource after a peer's service. And it copies every
    output into this stack's state, a peer's kubeconfigs among them.
    """
    try:
        found = pulumi.runtime.invoke(_FUNCTION, {"name": stack})
    except Exception as error:  # the SDK raises no narrower one
        if _NO_SUCH_STACK in str(error):
            return {}
        raise UnreadableStack(f"stack {stack} cannot be read: {error}") from error
    return found.value["outputs"]


def qualified(stack: str) -> str:
    """Return a stack's name as organization/project/stack."""
    return stack if "/" in stack else f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
