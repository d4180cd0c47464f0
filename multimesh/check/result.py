"""What is checked, and what is wrong."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multimesh.check.federation import Federation


class Severity(StrEnum):
    """How bad a problem is; `UNKNOWN` says that something could not be looked at."""

    FAILED = "failed"
    WARNING = "warning"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Problem:
    """What is wrong: where, why, and what to do; each one line."""

    where: str
    cause: str
    remedy: str
    severity: Severity = Severity.FAILED


@dataclass(frozen=True)
class Check:
    """One question. Its `anchor` is also its heading in docs/check.md."""

    anchor: str
    category: str
    title: str
    """What is true if there is no problem."""
    problems: "Callable[[Federation], Iterable[Problem]]"


@dataclass(frozen=True)
class Outcome:
    """A check and the problems that it found, the worst first."""

    check: Check
    problems: Sequence[Problem]

    @property
    def failed(self) -> bool:
        """Whether something is wrong, rather than worth a warning or unknown."""
        return any(problem.severity is Severity.FAILED for problem in self.problems)
