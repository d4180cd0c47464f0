"""What the page is told."""

from datetime import date
from typing import Any

from drawn_stacks import outputs

from multimesh.topology.model import topology
from multimesh.watch.observer import Seen
from multimesh.watch.view import view
from multimesh.watch.window import Rate

NAME = "service-000.shop.global"
TODAY = date(2027, 11, 20)


def shown(seen: dict[str, Seen], moment: float = 100.0, **given: Any) -> dict[str, Any]:
    return view(topology(outputs(2, 1, **given)), seen, moment, TODAY)


def seen(east: float, west: float, **fields: Any) -> Seen:
    rates = {(NAME, "mesh-00"): Rate(east, 0), (NAME, "mesh-01"): Rate(west, 0)}
    return Seen(99.5, "", 3, rates=rates, **fields)


def test_a_share_is_of_what_the_mesh_calls_and_beside_its_weight() -> None:
    pairs = shown({"mesh-00": seen(30.0, 10.0), "mesh-01": seen(0.0, 5.0)})["pairs"]
    assert [(pair["from"], pair["to"], pair["rate"], pair["share"], pair["weight"]) for pair in pairs] == [
        ("mesh-00", "mesh-00", 30.0, 0.75, 0.5),
        ("mesh-00", "mesh-01", 10.0, 0.25, 0.5),
        ("mesh-01", "mesh-01", 5.0, 1.0, 0.5),
    ]


def test_the_picture_has_what_all_meshes_send() -> None:
    [service] = shown({"mesh-00": seen(30.0, 10.0), "mesh-01": seen(0.0, 40.0)})["services"]
    assert service["answers"]["mesh-01"] == {"rate": 50.0, "failed": 0, "ejected": 0, "share": 0.625}


def test_an_order_has_no_weights_to_compare_with() -> None:
    [pair, _] = shown({"mesh-00": seen(1.0, 1.0)}, preferences={NAME: ["mesh-01"]})["pairs"]
    assert pair["weight"] is None


def test_an_ejected_endpoint_is_told_though_nothing_is_sent_there() -> None:
    [pair] = shown({"mesh-00": seen(0.0, 0.0, ejected={(NAME, "mesh-01"): 2})})["pairs"]
    assert (pair["to"], pair["ejected"], pair["proxies"], pair["share"]) == ("mesh-01", 2, 3, None)


def test_what_was_seen_long_ago_is_not_shown_as_if_it_were_now() -> None:
    found = shown({"mesh-00": seen(30.0, 10.0)}, moment=106.0)
    assert found["pairs"] == []
    assert found["meshes"][0]["trouble"] == "nothing read for 6 s"


def test_why_nothing_is_seen_is_told() -> None:
    found = shown({"mesh-00": Seen(100.0, "its API server does not answer: timed out")})
    assert [mesh["trouble"] for mesh in found["meshes"]] == ["its API server does not answer: timed out", ""]
    assert [mesh["watched"] for mesh in found["meshes"]] == [True, False]


def test_certificates_have_the_days_that_are_left() -> None:
    found = shown({})
    assert [mesh["days"] for mesh in found["meshes"]] == [5, 5]
    assert shown({}, root_ca_expires=None)["root"] == {"days": None}


def test_latencies_are_of_the_callers_service() -> None:
    [pair, _] = shown({"mesh-00": seen(1.0, 1.0, latencies={NAME: {1.0: 98, 20.0: 2}})})["pairs"]
    assert (pair["p50"], pair["p99"]) == (1.0, 20.0)
    [without, _] = shown({"mesh-00": seen(1.0, 1.0)})["pairs"]
    assert (without["p50"], without["p99"]) == (None, None)
