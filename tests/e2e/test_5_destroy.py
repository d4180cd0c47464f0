"""`pulumi destroy` takes everything away."""

import time

from lab import cluster
from tests.e2e import machine
from tests.e2e.stack import Stack


def test_destroy_leaves_nothing(stack: Stack, before: set[str]) -> None:
    ids = [lab["id"] for lab in stack.labs().values()]
    assert len(ids) == 2

    stack.destroy()

    left = machine.snapshot() - before
    deadline = time.monotonic() + 5
    while left and time.monotonic() < deadline:  # the kernel takes links and cgroups away a moment later
        time.sleep(0.2)
        left &= machine.snapshot()
    assert sorted(machine.without_others(left)) == []
    assert [id for id in ids if cluster.read(id)] == []
