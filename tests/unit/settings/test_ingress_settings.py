"""HTTPS at the ingress, as a stack configures it: what is taken, and what is refused, with the key and the way out."""

import re
from pathlib import Path
from typing import Any

import pytest
from server_certificates import Wanted, files, pem
from stack_settings import ECHO, MESHES

from components import settings

ROOT = {"issuer": "root"}
SHOP = ["shop.example"]


def stack(ingress: Any, *hosts: str, **given: Any) -> dict[str, Any]:
    return {"meshes": MESHES, "services": [ECHO | {"ingress_hosts": list(hosts)}], "ingress": ingress, **given}


def refused(config: dict[str, Any]) -> list[str]:
    with pytest.raises(settings.SettingsError) as caught:
        settings.validate(config)
    lines = [line.removeprefix("  multimesh:") for line in str(caught.value).splitlines()[1:]]
    return [re.sub(r"/\S*/", "", line) for line in lines]


@pytest.mark.parametrize(
    ("config", "hosts"),
    [
        (stack({}, "*"), []),
        (stack({"tls": ROOT}, "shop.example", "a.example"), ["a.example", "shop.example"]),
        (stack({"hosts": SHOP, "tls": ROOT}, "*"), SHOP),
        (stack({"hosts": ["*.shop.example"], "tls": ROOT}, "a.shop.example", "*.shop.example"), ["*.shop.example"]),
        (stack({"hosts": SHOP, "tls": {"secret": "shop-tls"}, "redirect": False}, "shop.example", "a.example"), SHOP),
    ],
)
def test_the_hosts_are_those_that_are_named_or_those_of_the_services(config: dict[str, Any], hosts: list[str]) -> None:
    assert settings.validate(config).https_hosts == hosts


FROM_ONE_PLACE = (
    "ingress.tls: must say where the certificate comes from, once: certificate and key, secret, or issuer: root"
)
TOGETHER = "ingress.tls: certificate and key belong together: give the paths of both PEM files"


@pytest.mark.parametrize(
    ("ingress", "message"),
    [
        ("https", "ingress: 'https': must be a mapping"),
        ({"hosts": SHOP}, "ingress.tls: is missing"),
        ({"tls": {}}, FROM_ONE_PLACE),
        ({"tls": {"issuer": "root", "secret": "shop-tls"}}, FROM_ONE_PLACE),
        ({"tls": {"certificate": "a.pem"}}, TOGETHER),
        ({"tls": {"key": "a.key"}}, TOGETHER),
        ({"tls": {"issuer": "acme"}}, "ingress.tls.issuer: 'acme': allowed: 'root'"),
        (
            {"tls": {"secret": "Shop"}},
            "ingress.tls.secret: 'Shop': must be a Secret's name in istio-system: a-z, 0-9, - and ., such as shop-tls",
        ),
        (
            {"tls": {"secret": "cacerts"}},
            "ingress.tls.secret: 'cacerts': is the mesh's CA; name the Secret with the certificate of the hosts",
        ),
        ({"tls": ROOT, "port": 8443}, "ingress.port: unknown key; allowed: hosts, redirect, tls"),
        ({"tls": ROOT, "hosts": ["*"]}, "ingress.hosts: must name each host: no certificate is valid for '*'"),
        (
            {"tls": ROOT, "hosts": [*SHOP, *SHOP]},
            "ingress.hosts: must name each host once, not shop.example twice",
        ),
        (
            {"tls": ROOT, "hosts": ["shop.example:443"]},
            "ingress.hosts[0]: 'shop.example:443': must be a DNS name, '*.' and a DNS name, or '*' for every host",
        ),
        (
            {"tls": ROOT, "hosts": [*SHOP, "bank.example"]},
            "ingress.hosts[1]: 'bank.example': leads to no service: add it to ingress_hosts of the one that answers, "
            "or remove it",
        ),
        ({"tls": {"certificate": "no.pem", "key": "no.key"}}, "ingress.tls: no.pem: No such file or directory"),
    ],
)
def test_what_the_ingress_cannot_be_is_refused(ingress: Any, message: str) -> None:
    assert message in refused(stack(ingress, *SHOP))


def test_every_host_needs_names_for_the_certificate() -> None:
    assert refused(stack({"tls": ROOT}, "*")) == [
        "ingress.hosts: is missing: a service has the ingress host '*', and no certificate is valid for it; name the "
        "hosts"
    ]


def test_an_ingress_that_leads_nowhere_is_refused() -> None:
    message = "ingress: needs a service with ingress_hosts: without one, the ingress answers nobody"
    assert refused(stack({"tls": ROOT})) == [message]


def test_a_host_that_would_be_redirected_to_nowhere_is_refused() -> None:
    assert refused(stack({"tls": ROOT, "hosts": SHOP}, "shop.example", "bank.example")) == [
        "services[0].ingress_hosts[1]: 'bank.example': is not among ingress.hosts, so its plain HTTP would be "
        "redirected to where HTTPS does not answer: add it there, or set ingress.redirect: false"
    ]


def test_a_root_of_another_stack_signs_no_certificate_here() -> None:
    message = "ingress.tls.issuer: 'root': the root's key is in stack trust: give certificate and key, or secret"
    assert refused(stack({"tls": ROOT}, *SHOP, trust={"stack": "trust"})) == [message]


def test_a_host_that_the_certificate_does_not_name_is_refused(tmp_path: Path) -> None:
    wanted = Wanted(hosts=["bank.example"])
    tls = files(tmp_path, pem(wanted.signed_by(None)), wanted.key)
    assert refused(stack({"tls": tls}, *SHOP)) == [
        "services[0].ingress_hosts[0]: 'shop.example': server.pem does not name this host, only bank.example; use one "
        "that does"
    ]


@pytest.mark.parametrize("port", [{"name": "web", "port": 443}, {"name": "https", "port": 8443}])
def test_another_port_of_the_gateway_in_the_place_of_https_is_refused(port: dict[str, Any]) -> None:
    values = {"istio": {"values": {"gateway": {"service": {"ports": [port]}}}}}
    [line] = refused(stack({"tls": ROOT}, *SHOP, **values))
    assert "clashes with a port of multimesh" in line
    assert settings.validate(stack({}, *SHOP, **values)), "and is the user's own without HTTPS"
