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
GENERATION = "must be a whole number, 1 or more"
ONE_ROOT = "must have either root_generation, for a created root, or certificate, the path of a PEM"
SERIAL = (
    "must be a CA's serial number as text: hexadecimal digits in pairs, as the output meshes.<mesh>.ca_serial has it; "
    "quote it"
)
DAYS = "must be a number of days from 1 to 36500"
STACK = "must be a stack: its name, or organization/project/stack"

CHAINS = "trust.root.chains: unknown key; did you mean chain?"

BAD_INPUT = [
    # Trust
    (other(trust=[]), "trust: must be a mapping"),
    (other(trust={"root_days": 0}), f"trust.root_days: 0: {DAYS}"),
    (other(trust={"root_days": "10y"}), f"trust.root_days: '10y': {DAYS}"),
    (other(trust={"intermediate_days": 36_501}), f"trust.intermediate_days: 36501: {DAYS}"),
    (other(trust={"root_days": 365}), "trust.root_days: 365: must be more than intermediate_days, which is 365"),
    (other(trust={"protect": "no"}), "trust.protect: 'no': must be true or false"),
    (other(trust={"root": "made"}), "trust.root: 'made': must be a mapping"),
    (other(trust={"root": {"key": "a.pem"}}), "trust.root.certificate: is missing"),
    (other(trust={"root": {"certificate": "a.pem"}}), "trust.root: a.pem: No such file or directory"),
    (other(trust={"root": {"certificate": "a.pem", "chains": 1}}), CHAINS),
    (other(trust={"certificates": ["a.pem"]}), "trust.certificates: must be a mapping"),
    (
        other(trust={"root": {"certificate": "~nobody-of-this-name/root.pem", "key": "key.pem"}}),
        "trust.root: ~nobody-of-this-name/root.pem: Could not determine home directory.",
    ),
    (
        other(trust={"root": {"certificate": "root.pem\n", "key": "-----BEGIN PRIVATE KEY-----\n"}}),
        "trust.root: certificate, chain and key must each be the path of a PEM file, not its content",
    ),
    # Trust between stacks
    (other(trust={"stack": ""}), f"trust.stack: '': {STACK}"),
    (other(trust={"stack": ["trust"]}), f"trust.stack: {STACK}"),
    (
        other(trust={"stack": "trust", "root_days": 99, "issues": {}}),
        "trust: with `stack` no other key but `ca_generations` is allowed, as that stack decides it (given: issues, "
        "root_days)",
    ),
    (other(trust={"issues": ["north"]}), "trust.issues: must be a mapping"),
    (other(trust={"issues": {"North": {}}}), f"trust.issues.North: 'North': {LABEL}"),
    (other(trust={"issues": {"north": None}}), "trust.issues.north: is empty: give it a value, or remove it"),
    (
        other(trust={"issues": {"north": {"days": 1}}}),
        "trust.issues.north.days: unknown key; allowed: stack, trust_domain, trust_domain_aliases",
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
    # Rotation
    (other(trust={"root_generation": 0}), f"trust.root_generation: 0: {GENERATION}"),
    (other(trust={"root_generation": "2"}), f"trust.root_generation: '2': {GENERATION}, without quotes"),
    (other(trust={"also_trusted": 2}), "trust.also_trusted: 2: must be a mapping"),
    (other(trust={"also_trusted": {}}), f"trust.also_trusted: {ONE_ROOT}"),
    (
        other(trust={"also_trusted": {"root_generation": 2, "certificate": "a.pem"}}),
        f"trust.also_trusted: {ONE_ROOT}",
    ),
    (
        other(trust={"also_trusted": {"root_generation": 2, "key": "a.pem"}}),
        "trust.also_trusted: must have certificate beside key and chain",
    ),
    (
        other(trust={"also_trusted": {"root_generation": 1}}),
        "trust.also_trusted: must be another root than the one that signs; remove it",
    ),
    (
        other(trust={"root_generation": 3, "also_trusted": {"root_generation": 3}}),
        "trust.also_trusted: must be another root than the one that signs; remove it",
    ),
    (
        other(trust={"also_trusted": {"certificate": "none.pem"}}),
        "trust.also_trusted: none.pem: No such file or directory",
    ),
    (
        other(trust={"also_trusted": {"certificate": "-----BEGIN CERTIFICATE-----\n"}}),
        "trust.also_trusted: certificate, chain and key must each be the path of a PEM file, not its content",
    ),
    # Revocation
    (other(trust={"ca_generations": {"east": 0}}), f"trust.ca_generations.east: 0: {GENERATION}"),
    (
        other(trust={"ca_generations": {"north": 2}}),
        "trust.ca_generations.north: 'north': must be a mesh of this stack: east, west",
    ),
    (other(trust={"revoked": "0A1B"}), "trust.revoked: '0A1B': must be a list, such as [0A1B]"),
    (other(trust={"revoked": [1234]}), f"trust.revoked[0]: 1234: {SERIAL}"),
    (other(trust={"revoked": ["0x0A"]}), f"trust.revoked[0]: '0x0A': {SERIAL}"),
    (
        other(trust={"revoked": ["00"]}),
        "trust.revoked[0]: '00': must be a serial number: more than 0, and 20 octets at most",
    ),
    (other(trust={"revoked": ["0A1B", "0a:1b"]}), "trust.revoked: lists a serial number twice"),
    ({"meshes": {}, "trust": {"issues": {}}}, "meshes: must have 1 to 100 meshes"),
    ({"meshes": {}, "trust": {"stack": "trust"}}, "meshes: must have 1 to 100 meshes"),
]


@pytest.mark.parametrize(("raw", "message"), BAD_INPUT, ids=[message[:60] for _, message in BAD_INPUT])
def test_a_mistake_about_trust_is_named_by_path_value_and_what_is_allowed(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.validate(raw)
    assert f"  multimesh:{message}" in str(caught.value).splitlines()
