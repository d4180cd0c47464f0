"""Where a gateway is reached: what a load balancer's status says, and the URL made of it."""

import pytest

from components.mesh.endpoint import NoAddressError, ingress_url, load_balancer_address


@pytest.mark.parametrize(
    ("ingress", "address"),
    [
        ([{"ip": "192.0.2.1"}], "192.0.2.1"),
        ([{"hostname": "a.elb.example.com"}], "a.elb.example.com"),
        ([{"ip": "192.0.2.1", "hostname": "a.example.com"}], "192.0.2.1"),
        ([{}, {"ip": "192.0.2.2"}], "192.0.2.2"),
    ],
)
def test_the_first_address_is_taken(ingress: list[dict[str, str]], address: str) -> None:
    assert load_balancer_address(ingress, "east") == address


@pytest.mark.parametrize("ingress", [None, [], [{}], [{"ip": ""}]])
def test_no_address_is_an_error_that_names_the_mesh_and_the_setting(ingress: list[dict[str, str]] | None) -> None:
    with pytest.raises(NoAddressError, match=r"mesh east has no load balancer address.*meshes\.east\.cluster\.gateway"):
        load_balancer_address(ingress, "east")


@pytest.mark.parametrize(
    ("address", "port", "url"),
    [
        ("192.0.2.1", 80, "http://192.0.2.1"),
        ("192.0.2.1", 30080, "http://192.0.2.1:30080"),
        ("2001:db8::1", 80, "http://[2001:db8::1]"),
        ("a.example.com", 8080, "http://a.example.com:8080"),
    ],
)
def test_the_url_of_the_ingress(address: str, port: int, url: str) -> None:
    assert ingress_url(address, port) == url
