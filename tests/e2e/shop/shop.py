"""Workloads in both meshes of a stack, exported."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import allocation, program_image
from lab.stack import Stack
from tests.e2e.shop.kubectl import Kubectl, kubectls
from tests.e2e.shop.objects import Manifest


@dataclass(frozen=True)
class Shop:
    """A stack that exports the workloads, kubectl by mesh, and the lines that the `up` printed."""

    stack: Stack
    kubectl: dict[str, Kubectl]
    said: Sequence[str]


@contextmanager
def opened(
    stack: Stack, folder: Path, workloads: Callable[[str], list[Manifest]], exports: Sequence[dict[str, Any]]
) -> Iterator[Shop]:
    """Create workloads in every mesh of a stack that is up, and export them in one `up`; in the end, undo both.

    `workloads` returns those of a mesh; their namespaces come first. kubeconfigs are written into `folder`.
    """
    made = {mesh: workloads(mesh) for mesh in stack.labs()}
    kubectl = kubectls(stack, folder)
    _create(stack, kubectl, made)
    kept: list[dict[str, Any]] = []
    stack.configure(lambda config: kept.extend(config["multimesh:services"]))
    try:
        stack.configure(lambda config: config.update({"multimesh:services": [*kept, *exports]}))
        yield Shop(stack, kubectl, _up(stack))
    finally:
        stack.configure(lambda config: config.update({"multimesh:services": kept}))
        stack.up()
        for mesh, objects in made.items():
            kubectl[mesh]("delete", "namespace", *_namespaces(objects), "--wait=false")


def _create(stack: Stack, kubectl: dict[str, Kubectl], made: dict[str, list[Manifest]]) -> None:
    for mesh, lab in stack.labs().items():
        cluster = allocation.find(lab["id"])
        assert cluster
        program_image.load(cluster)
        kubectl[mesh].apply(made[mesh])
    for mesh, objects in made.items():
        for namespace in _namespaces(objects):
            kubectl[mesh].wait_for_deployments(namespace)


def _namespaces(objects: Sequence[Manifest]) -> list[str]:
    return [one["metadata"]["name"] for one in objects if one["kind"] == "Namespace"]


def _up(stack: Stack) -> list[str]:
    said: list[str] = []
    show = stack.show

    def note(line: str) -> None:
        said.append(line)
        show(line)

    stack.show = note
    try:
        stack.up()
    finally:
        stack.show = show
    return said
