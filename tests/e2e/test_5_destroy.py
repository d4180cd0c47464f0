"""`pulumi destroy` leaves nothing behind."""

from lab import cluster
from lab.stack import Stack
from tests.e2e import machine


def test_destroy_leaves_nothing(stack: Stack, before: set[str]) -> None:
    ids = [lab["id"] for lab in stack.labs().values()]
    assert len(ids) == 2

    stack.destroy()

    assert machine.left_since(before) == []
    assert [id for id in ids if cluster.read(id)] == []
