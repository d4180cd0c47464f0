"""What others do to an exported Service: its owner routes it, deletes it, creates it again, or lacks a part of it."""

import time
from collections import Counter

import pytest

from tests.e2e.shop.echoes import REQUESTS, ask, ask_until, by_both
from tests.e2e.shop.kubectl import Kubectl
from tests.e2e.shop.shop import Shop
from tests.e2e.shop.workloads import again

INCOMPLETE = ["missing.shop", "bare.plain"]


@pytest.mark.parametrize(("header", "version"), [("yes", "v2"), ("no", "v1")])
def test_the_owners_canary_goes_on_by_the_short_name(kubectl: Kubectl, mesh: str, header: str, version: str) -> None:
    echoes = ask(kubectl, "http://front.shop/", f"--header=x-canary:{header}")
    assert echoes.values("ServiceVersion") == [version] * REQUESTS
    assert echoes.meshes == {mesh: REQUESTS}


def test_a_service_with_a_canary_is_answered_by_both_meshes_by_the_global_name(kubectl: Kubectl) -> None:
    assert by_both(ask_until(by_both, lambda: ask(kubectl, "http://front.shop.global/")))


def test_nothing_fails_after_a_deleted_service_is_back_with_another_address(shop: Shop) -> None:
    west = shop.kubectl["west"]
    before = address(west)
    west("delete", "service", "again", "--namespace=shop")
    west.apply([again()])
    answered: list[int] = []
    echoes = ask_until(lambda echoes: echoes.meshes.total() == REQUESTS, lambda: ask(west, "http://again.shop/"))
    deadline = time.monotonic() + 15  # longer than any name is remembered
    while time.monotonic() < deadline:
        for name in ("again.shop", "again.shop.global"):
            echoes = ask(west, f"http://{name}/")
            answered.append(echoes.meshes.total())
    assert address(west) != before
    assert set(answered) == {REQUESTS}
    assert by_both(echoes)


def address(kubectl: Kubectl) -> str:
    return kubectl("get", "service", "again", "--namespace=shop", "--output=jsonpath={.spec.clusterIP}")


@pytest.mark.parametrize("service", INCOMPLETE)
def test_a_mesh_that_lacks_a_part_of_the_service_is_named_in_a_warning(shop: Shop, service: str) -> None:
    assert any(f"warning: mesh east does not export {service}.global: " in line for line in shop.said)


@pytest.mark.parametrize("service", INCOMPLETE)
def test_the_other_mesh_answers_everything(kubectl: Kubectl, service: str) -> None:
    echoes = ask_until(lambda echoes: bool(echoes.meshes), lambda: ask(kubectl, f"http://{service}.global/"))
    assert echoes.meshes == {"west": REQUESTS}, Counter(echoes.values("StatusCode"))


@pytest.mark.parametrize("service", INCOMPLETE)
def test_a_mesh_that_lacks_a_part_of_the_service_is_not_in_the_outputs(shop: Shop, service: str) -> None:
    assert set(shop.stack.outputs().services[f"{service}.global"]) == {"west"}
