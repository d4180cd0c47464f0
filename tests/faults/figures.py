"""What was measured, as the table of docs/faults.md."""

from dataclasses import dataclass, field

from tests.faults.load import Load


@dataclass
class Figures:
    """The rows so far: fault, requests sent, failed, when the last one did, the slowest, and what came then."""

    rows: list[tuple[str, str, str, str, str, str]] = field(default_factory=list)

    def of_load(self, fault: str, load: Load, since: float, remark: str) -> None:
        """Add the row of a fault that happened at `since` (seconds on the monotonic clock) under a load."""
        failures = load.failures()
        last = f"{max(0, failures[-1].over - since):.1f}" if failures else "-"
        slowest = f"{max(request.over - request.sent for request in load.requests):.1f}"
        why = "".join(f"; {count} x {reason}" for reason, count in load.reasons().items())
        self.rows.append((fault, str(len(load.requests)), str(len(failures)), last, slowest, remark + why))

    def of_run(self, fault: str, remark: str) -> None:
        """Add the row of a fault that no requests were sent under."""
        self.rows.append((fault, "-", "-", "-", "-", remark))

    def table(self) -> str:
        """The rows in Markdown."""
        head = ("fault", "sent", "failed", "s until the last failure", "slowest, s", "then")
        lines = [head, ("---", "---:", "---:", "---:", "---:", "---"), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
