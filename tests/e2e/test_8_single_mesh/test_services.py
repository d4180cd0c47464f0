"""Services of every protocol in a single mesh: both clusters answer, by weight, and only callers are answered."""

import pytest

from tests.e2e.shop import mixed
from tests.e2e.shop.echoes import INSIDE, OUTSIDE, ask_until, by_both
from tests.e2e.shop.kubectl import Kubectl


@pytest.mark.parametrize("name", ["shop", "shop.global"])
@pytest.mark.parametrize("protocol", mixed.PROTOCOLS)
def test_a_service_is_answered_by_both_clusters(kubectl: Kubectl, protocol: str, name: str) -> None:
    echoes = ask_until(by_both, lambda: mixed.ask(kubectl, protocol, f"even.{name}"))
    assert by_both(echoes), echoes.text or echoes.meshes


@pytest.mark.parametrize("protocol", mixed.PROTOCOLS)
def test_the_clusters_answer_by_their_weights(kubectl: Kubectl, protocol: str) -> None:
    echoes = ask_until(mixed.by_weight, lambda: mixed.ask(kubectl, protocol, "weighted.shop.global", requests=100))
    assert mixed.by_weight(echoes), echoes.text or echoes.meshes


@pytest.mark.parametrize("protocol", mixed.PROTOCOLS)
def test_a_namespace_that_may_call_is_answered_by_both_clusters(kubectl: Kubectl, protocol: str) -> None:
    echoes = ask_until(by_both, lambda: mixed.ask(kubectl, protocol, "guarded.shop.global", caller=INSIDE))
    assert by_both(echoes), echoes.text or echoes.meshes


@pytest.mark.parametrize("protocol", mixed.PROTOCOLS)
def test_a_namespace_that_may_not_call_is_not_answered(kubectl: Kubectl, protocol: str) -> None:
    echoes = mixed.ask(kubectl, protocol, "guarded.shop.global", caller=OUTSIDE)
    assert mixed.refused(echoes), echoes.text
