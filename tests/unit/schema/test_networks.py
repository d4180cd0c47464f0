"""Address ranges: well formed, apart from each other, and no API that is open to the world by accident."""

import pytest
from pydantic import Field, ValidationError

from components.schema.networks import ApiCidrs, OwnCidr, documentation_ranges
from components.schema.strict import Strict


class Ranges(Strict):
    """A cluster's ranges, as a kind declares them."""

    node_cidr: OwnCidr = Field("10.0.0.0/20", validate_default=True)
    pod_cidr: OwnCidr = Field("10.4.0.0/14", validate_default=True)
    api_open_to_the_world: bool = False
    api_cidrs: ApiCidrs = Field(["192.0.2.7/32"])


def mistake(**ranges: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Ranges.model_validate(ranges)
    (error,) = caught.value.errors()
    return f"{'.'.join(map(str, error['loc']))}: {error['msg'].removeprefix('Value error, ')}"


@pytest.mark.parametrize("value", ["10.0.0.0", "10.0.0.0/33", "fd00::/64", 10, None, "", "10.0.0/8"])
def test_what_is_no_ipv4_network_is_refused(value: object) -> None:
    assert mistake(node_cidr=value) == "node_cidr: must be an IPv4 network such as 10.0.0.0/16"


def test_an_address_inside_a_network_is_refused() -> None:
    assert mistake(node_cidr="10.0.0.1/20").endswith("10.0.0.0/16, with no bits set after the prefix")


def test_ranges_that_overlap_are_refused() -> None:
    assert mistake(pod_cidr="10.0.8.0/21") == "pod_cidr: must not overlap node_cidr, which is 10.0.0.0/20"


def test_a_range_that_overlaps_a_default_is_refused() -> None:
    assert mistake(node_cidr="10.5.0.0/16") == "pod_cidr: must not overlap node_cidr, which is 10.5.0.0/16"


def test_an_api_that_nobody_could_reach_is_refused() -> None:
    assert mistake(api_cidrs=[]).startswith("api_cidrs: must list at least one IPv4 network")


def test_an_api_that_is_open_to_the_world_must_be_meant() -> None:
    assert "if you intend that, set api_open_to_the_world: true" in mistake(api_cidrs=["0.0.0.0/0"])
    meant = Ranges.model_validate({"api_cidrs": ["0.0.0.0/0"], "api_open_to_the_world": True})
    assert meant.api_cidrs == ["0.0.0.0/0"]


EVERY_OTHER = [f"{first}.0.0.0/8" for first in range(0, 256, 2)]


@pytest.mark.parametrize(
    ("cidrs", "said"),
    [
        (["0.0.0.0/1", "128.0.0.0/1"], "0.0.0.0/0 opens"),
        (["128.0.0.0/2", "192.0.0.0/2", "0.0.0.0/1"], "0.0.0.0/0 opens"),
        (["8.0.0.0/7"], "8.0.0.0/7 opens"),
        (["8.0.0.0/8", "9.0.0.0/8"], "8.0.0.0/7 opens"),
        (["0.0.0.0/1", "128.0.0.0/2"], "0.0.0.0/1, 128.0.0.0/2 open"),
        (EVERY_OTHER, "0.0.0.0/8, 2.0.0.0/8, 4.0.0.0/8 and 125 more open the"),
    ],
)
def test_the_world_in_parts_is_the_world(cidrs: list[str], said: str) -> None:
    assert mistake(api_cidrs=cidrs).startswith(f"api_cidrs: {said}")
    assert Ranges.model_validate({"api_cidrs": cidrs, "api_open_to_the_world": True}).api_cidrs == cidrs


@pytest.mark.parametrize("cidrs", [["10.0.0.0/8"], ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], ["8.8.8.8/32"]])
def test_the_networks_of_one_owner_are_not_the_world(cidrs: list[str]) -> None:
    assert Ranges.model_validate({"api_cidrs": cidrs}).api_cidrs == cidrs


def test_ranges_that_only_examples_have_are_told() -> None:
    assert documentation_ranges(["10.0.0.0/8", "192.0.2.0/24", "0.0.0.0/0", "128.0.0.0/1"]) == [(1, "192.0.2.0/24")]
