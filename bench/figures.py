"""What was measured, and whether it met its aim, as Markdown tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Aim:
    """An upper limit: `what` is held to `limit`, in `unit` or, with `over`, in multiples of that median."""

    what: str
    limit: float
    over: str = ""
    unit: str = " s"


@dataclass
class Figures:
    """The figure of every run, by what was measured, in the order of the first runs: seconds if that says no unit."""

    runs: dict[str, list[float]]

    def add(self, what: str, figure: float) -> None:
        """Add the figure of one more run."""
        self.runs.setdefault(what, []).append(figure)

    def median(self, what: str) -> float:
        """Return the median of the runs, in its unit. Raises KeyError for what was not measured."""
        return median(self.runs[what])

    def value(self, aim: Aim) -> float:
        """Return the measured value that the aim limits."""
        return self.median(aim.what) / (self.median(aim.over) if aim.over else 1)


def times(figures: Figures) -> str:
    """Return the table of medians with every run; seconds, where the row names no unit."""
    rows = [(what, _shown(figures.median(what)), " ".join(map(_shown, runs))) for what, runs in figures.runs.items()]
    return _table(("what", "median", "runs"), rows)


def _shown(seconds: float) -> str:
    return f"{seconds:.1f}" if seconds >= 0.1 else f"{seconds:.5f}"


def verdicts(figures: Figures, aims: Sequence[Aim]) -> str:
    """Return the table of the aims, each with what was measured; one whose runs are missing is not measured."""
    rows: list[tuple[str, str, str, str]] = []
    for aim in aims:
        unit = f" x {aim.over}" if aim.over else aim.unit
        limit = f"at most {aim.limit:g}{unit}"
        if aim.what not in figures.runs or (aim.over and aim.over not in figures.runs):
            rows.append((aim.what, limit, "-", "not measured"))
            continue
        value = figures.value(aim)
        rows.append((aim.what, limit, f"{value:.2f}{unit}", "met" if value <= aim.limit else "**missed**"))
    return _table(("what", "aim", "measured", "met?"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
