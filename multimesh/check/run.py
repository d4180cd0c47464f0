"""All checks, in the order in which a cause comes before its effects."""

from collections.abc import Callable, Sequence
from itertools import chain

from multimesh.check import (
    access,
    api_servers,
    connections,
    control_planes,
    foreign_rules,
    forwarding,
    gateways,
    injectors,
    istio_messages,
    loose_ends,
    objects,
    revocation,
    rotation,
    services,
    signing,
    trust,
)
from multimesh.check.federation import Federation, read_federation
from multimesh.check.made import Made
from multimesh.check.result import Check, Outcome, Severity
from multimesh.contract import VerifyOutputs

_ROOMS = (
    loose_ends,
    api_servers,
    control_planes,
    injectors,
    trust,
    signing,
    revocation,
    rotation,
    objects,
    gateways,
    services,
    foreign_rules,
    access,
    istio_messages,
    forwarding,
    connections,
)
CHECKS: list[Check] = list(chain.from_iterable(room.CHECKS for room in _ROOMS))


def check_stack(
    outputs: VerifyOutputs,
    made: Made,
    services: Sequence[str],
    callers: Sequence[str],
    progress: Callable[[str], None],
) -> list[Outcome]:
    """Look at a stack and its clusters once, and return what every check found. Raises OutputsError."""
    return judge(read_federation(outputs, made, services, callers, progress))


def judge(federation: Federation) -> list[Outcome]:
    """Return what every check finds."""
    order = list(Severity)
    return [
        Outcome(check, sorted(check.problems(federation), key=lambda problem: order.index(problem.severity)))
        for check in CHECKS
    ]
