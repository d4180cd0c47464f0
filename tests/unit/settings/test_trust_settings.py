"""What a stack may say about its root CA and who issues whose CAs, and the one message that each mistake gets."""

from typing import Any

import pytest
from stack_settings import other

from components import settings

LABEL = "must be a DNS label: 1 to 63 of a-z, 0-9 and -, with no - at the ends (RFC 1123)"
TRUST_DOMAIN = (
    "must be a SPIFFE trust domain that the name constraints of its CA can state: labels of 1 to 63 of a-z, 0-9, '_' "
    "and '-' (not at the ends), joined by dots, 253 in all, and no IP address; use one such as east.mesh"
)
DAYS = "must be a number of days from 1 to 36500"
STACK = "must be a stack: its name, or organization/project/stack"

BAD_INPUT = [
    # Trust
    (other(trust=[]), "trust: must be a mapping"),
    (other(trust={"root_days": 0}), f"trust.root_days: 0: {DAYS}"),
    (other(trust={"root_days": "10y"}), f"trust.root_days: '10y': {DAYS}"),
    (other(trust={"intermediate_days": 36_501}), f"trust.intermediate_days: 36501: {DAYS}"),
    (other(trust={"root_days": 365}), "trust.root_days: 365: must be more than intermediate_days, which is 365"),
    (other(trust={"protect": "no"}), "trust.protect: 'no': must be true or false"),
    (other(trust={"root": "made"}), "trust.root: 'made': must be a mapping"),
    (other(trust={"root": {"certificate": "a.pem"}}), "trust.root.key: is missing"),
    (
        other(trust={"root": {"certificate": "~nobody-of-this-name/root.pem", "key": "key.pem"}}),
        "trust.root: ~nobody-of-this-name/root.pem: Could not determine home directory.",
    ),
    (
        other(trust={"root": {"certificate": "root.pem\n", "key": "-----BEGIN PRIVATE KEY-----\n"}}),
        "trust.root: certificate and key must each be the path of a PEM file, not its content",
    ),
    # Trust between stacks
    (other(trust={"stack": ""}), f"trust.stack: '': {STACK}"),
    (other(trust={"stack": ["trust"]}), f"trust.stack: {STACK}"),
    (
        other(trust={"stack": "trust", "root_days": 99, "issues": {}}),
        "trust: with `stack` no other key is allowed, as that stack decides it (given: issues, root_days)",
    ),
    (other(trust={"issues": ["north"]}), "trust.issues: must be a mapping"),
    (other(trust={"issues": {"North": {}}}), f"trust.issues.North: 'North': {LABEL}"),
    (other(trust={"issues": {"north": None}}), "trust.issues.north: null: must be a mapping"),
    (
        other(trust={"issues": {"north": {"days": 1}}}),
        "trust.issues.north.days: unknown key; allowed: trust_domain, trust_domain_aliases",
    ),
    (
        other(trust={"issues": {"north": {"trust_domain": "A"}}}),
        f"trust.issues.north.trust_domain: 'A': {TRUST_DOMAIN}",
    ),
    (
        other(trust={"issues": {"north": {"trust_domain": "west.mesh"}}}),
        "trust.issues.north.trust_domain: 'west.mesh': a trust domain may belong to one mesh",
    ),
    (
        other(trust={"issues": {"west": {}}}),
        "trust.issues.west: this stack already issues the CA of its own mesh; remove it here",
    ),
    ({"meshes": {}, "trust": {"issues": {}}}, "meshes: must have 1 to 100 meshes"),
    ({"meshes": {}, "trust": {"stack": "trust"}}, "meshes: must have 1 to 100 meshes"),
]


@pytest.mark.parametrize(("raw", "message"), BAD_INPUT, ids=[message[:60] for _, message in BAD_INPUT])
def test_a_mistake_about_trust_is_named_by_path_value_and_what_is_allowed(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.validate(raw)
    assert f"  multimesh:{message}" in str(caught.value).splitlines()
