"""`pulumi destroy` takes everything away."""

import time

from tests.e2e import machine
from tests.e2e.stack import Stack


def test_destroy_leaves_nothing(stack: Stack, before: set[str]) -> None:
    mine = {cluster.id for cluster in stack.clusters().values()}
    assert len(mine) == 2

    stack.destroy()

    left = machine.snapshot() - before
    deadline = time.monotonic() + 5
    while left and time.monotonic() < deadline:  # the kernel takes links and cgroups away a moment later
        time.sleep(0.2)
        left &= machine.snapshot()
    assert sorted(machine.without_others(left)) == []
    assert not stack.clusters()
