"""What an application answers with an error is its own: it is passed on, once, and takes nobody out of the split."""

import re

import pytest

from tests.e2e.shop.echoes import REQUESTS, ask, by_both
from tests.e2e.shop.kubectl import Kubectl
from tests.e2e.shop.shop import Shop


def test_a_post_that_the_application_answers_with_an_error_is_executed_once(shop: Shop, mesh: str) -> None:
    url = f"http://multi.shop/once-{mesh}?codes=503"
    echoes = ask(shop.kubectl[mesh], url, "--method=POST")
    assert echoes.values("StatusCode") == ["503"] * REQUESTS
    assert sum(executed(kubectl, f"/once-{mesh}") for kubectl in shop.kubectl.values()) == REQUESTS


def executed(kubectl: Kubectl, path: str) -> int:
    """Return how many POST requests the workload in one mesh has executed, by its logs."""
    logs = kubectl("logs", "--namespace=shop", "--selector=app=app", "--container=app", "--tail=-1")
    return len(re.findall(rf"HTTP/\S+ Request\s.*method=POST url={path}\b", logs))


@pytest.mark.parametrize("name", ["shop", "shop.global"])
def test_a_mesh_whose_application_answers_errors_stays_in_the_split(kubectl: Kubectl, name: str) -> None:
    assert ask(kubectl, f"http://multi.{name}/?codes=503").values("StatusCode") == ["503"] * REQUESTS
    assert by_both(ask(kubectl, f"http://multi.{name}/"))
