"""Checks of loose ends: updates that were killed, and, of clusters on this machine, what does not run or is left."""

from collections.abc import Iterable

from multimesh.check.federation import Federation
from multimesh.check.result import Check, Problem, Severity

_WHERE = "this machine"
_DESTROY = "python -m lab destroy {}"


def _pending(federation: Federation) -> Iterable[Problem]:
    for operation in federation.made.pending:
        yield Problem("the state", f"an update was killed while {operation}", "run `pulumi up`, which goes on with it")


def _locked(federation: Federation) -> Iterable[Problem]:
    for lock in federation.machine.locks if federation.machine else ():
        if lock.runs is False:
            cause = f"a process that has ended left its lock: {lock.holder}; no update can start"
            yield Problem("the state", cause, "pulumi cancel")
        else:
            cause = f"an update is under way, by {lock.holder}: what it has not done yet is wrong meanwhile"
            yield Problem("the state", cause, "look again when it has ended", Severity.WARNING)


def _running(federation: Federation) -> Iterable[Problem]:
    if federation.machine is None:
        return
    for reason in federation.machine.unseen:
        yield Problem(_WHERE, reason, "look again", Severity.UNKNOWN)
    for name, faults in federation.machine.faults.items():
        if faults:
            yield Problem(f"cluster {name}", "; ".join(faults), "run `pulumi up`, which starts what does not run")


def _left(federation: Federation) -> Iterable[Problem]:
    if federation.machine is None:
        return
    for id, name in federation.machine.strays.items():
        cause = f"the stack made cluster {name} ({id}), and its state does not have it: an update was killed"
        yield Problem(_WHERE, cause, f"run `pulumi up`, or {_DESTROY.format(id)}", Severity.WARNING)
    for id, parts in federation.machine.remains.items():
        cause = f"{', '.join(parts)} of cluster {id}, which is gone"
        yield Problem(_WHERE, cause, _DESTROY.format(id), Severity.WARNING)


CHECKS = [
    Check("pending-operations", "Machine and state", "no update was killed half-way", _pending),
    Check("lock", "Machine and state", "no update holds the stack, or left it locked", _locked),
    Check("lab-clusters", "Machine and state", "clusters of the stack on this machine run", _running),
    Check("lab-remains", "Machine and state", "nothing is left on this machine of clusters that are gone", _left),
]
