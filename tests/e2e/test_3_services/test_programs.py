"""PostgreSQL with a standby mesh, and a Redis in each mesh that is preferred there."""

import time
from collections import Counter
from collections.abc import Callable

from tests.e2e.shop.kubectl import Kubectl
from tests.e2e.shop.programs import CLIENT, ask_postgresql, ask_redis
from tests.e2e.shop.shop import Shop
from tests.faults.breaks import without_pods

CONNECTIONS = 30
TRANSACTION = """
begin;
create temporary table orders (number int) on commit drop;
insert into orders values (41), (1);
select sum(number) from orders;
commit;
"""


def until(expected: Counter[str], ask: Callable[[], Counter[str]], seconds: float = 45) -> Counter[str]:
    """Ask until the answers are as expected or the time is over; return the last."""
    deadline = time.monotonic() + seconds
    while (answers := ask()) != expected and time.monotonic() < deadline:
        time.sleep(0.5)
    return answers


def test_a_transaction_is_committed_through_the_global_name(kubectl: Kubectl) -> None:
    psql = ["psql", "--host=postgres.shop.global", "--quiet", "--tuples-only", "--no-align"]
    said = kubectl.run(CLIENT, *psql, f"--command={TRANSACTION}")
    assert said.text.strip() == "42"


def test_every_connection_goes_to_the_first_mesh_of_the_order(kubectl: Kubectl) -> None:
    assert ask_postgresql(kubectl, "postgres.shop.global", CONNECTIONS) == {"east": CONNECTIONS}
    assert ask_postgresql(kubectl, "postgres.shop", CONNECTIONS) == {"east": CONNECTIONS}


def test_new_connections_go_to_the_standby_mesh_when_the_first_is_gone(shop: Shop) -> None:
    by_mesh = {}
    with without_pods(shop.stack, "east", "shop", "postgres"):
        for mesh, kubectl in shop.kubectl.items():
            by_mesh[mesh] = ask_postgresql(kubectl, "postgres.shop.global", CONNECTIONS)
    assert by_mesh == {"east": {"west": CONNECTIONS}, "west": {"west": CONNECTIONS}}


def test_connections_go_back_to_the_first_mesh_when_it_is_whole(shop: Shop) -> None:
    shop.kubectl["east"].wait_for_deployments("shop")
    for kubectl in shop.kubectl.values():
        back = Counter({"east": CONNECTIONS})
        assert until(back, lambda kubectl=kubectl: ask_postgresql(kubectl, "postgres.shop.global", CONNECTIONS)) == back


def test_what_is_set_is_got_through_the_global_name(kubectl: Kubectl, mesh: str) -> None:
    redis = ["redis-cli", "-h", "redis.shop.global"]
    assert kubectl.run(CLIENT, *redis, "set", "mesh", mesh).text.strip() == "OK"
    assert kubectl.run(CLIENT, *redis, "get", "mesh").text.strip() == mesh


def test_every_connection_stays_in_its_own_mesh_while_that_is_whole(kubectl: Kubectl, mesh: str) -> None:
    assert ask_redis(kubectl, "redis.shop.global", CONNECTIONS) == {mesh: CONNECTIONS}
    assert ask_redis(kubectl, "redis.shop", CONNECTIONS) == {mesh: CONNECTIONS}


def test_no_connection_fails_when_the_own_meshs_pods_are_gone(shop: Shop) -> None:
    with without_pods(shop.stack, "west", "shop", "redis"):
        answers = ask_redis(shop.kubectl["west"], "redis.shop.global", CONNECTIONS)
    assert answers == {"east": CONNECTIONS}


def test_connections_come_back_to_the_own_mesh_when_it_is_whole(shop: Shop) -> None:
    shop.kubectl["west"].wait_for_deployments("shop")
    back = Counter({"west": CONNECTIONS})
    assert until(back, lambda: ask_redis(shop.kubectl["west"], "redis.shop.global", CONNECTIONS)) == back
