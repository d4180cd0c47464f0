"""A CA that expires within 60 days is said in one line, whoever made it, with what to do."""

from datetime import UTC, datetime, timedelta

import pulumi
import pytest
from certificates import root
from cryptography.hazmat.primitives.asymmetric import ec
from federation.peer_stacks import TRUST, signed, stacks
from recording import record

from components.trust import brought_root, expiry

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EAST = {"meshes": {"east": {"cluster": {"kind": "local"}}}, "sample": False}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    for level in ("info", "warn"):
        monkeypatch.setattr(pulumi.log, level, lambda line, *_, **__: lines.append(line))
    return lines


def about_trust(said: list[str]) -> list[str]:
    return [line for line in said if line.startswith("multimesh:trust: ")]


@pytest.mark.parametrize(
    ("days", "line"),
    [
        (61, None),
        (59, "multimesh:trust: the root CA expires on 2026-04-29: replace it"),
        (-1, "multimesh:trust: the root CA expired on 2026-02-28: replace it"),
    ],
)
def test_the_line_names_the_ca_the_day_and_what_to_do(days: int, line: str | None) -> None:
    end = f"{NOW + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
    assert expiry.notice("the root CA", end, "replace it", NOW) == line


def test_the_official_plugins_nanoseconds_are_read() -> None:
    assert expiry.notice("the root CA", "2026-03-02T21:26:27.13257437Z", "", NOW)


def test_a_brought_root_that_expires_soon_is_said(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    end = datetime.now(UTC) + timedelta(days=50)
    pem = root(ec.generate_private_key(ec.SECP256R1()), 3650)
    brought = brought_root.BroughtRoot("a.pem", "b.pem", pem, "", pem, end, end)
    monkeypatch.setattr(brought_root, "load", lambda *_: brought)
    given = {"root": {"certificate": "a.pem", "key": "b.pem"}, "intermediate_days": 30}
    recording = record({**EAST, "trust": given})
    assert about_trust(said) == [
        f"multimesh:trust: the root CA expires on {end:%Y-%m-%d}: set trust.root to one that is valid for longer"
    ]
    assert recording.outputs["root_ca_expires"] == f"{end:%Y-%m-%dT%H:%M:%SZ}"


def test_an_issuing_ca_that_expires_before_its_root_is_said(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    end, later = (datetime.now(UTC) + timedelta(days=days) for days in (50, 900))
    pem = root(ec.generate_private_key(ec.SECP256R1()), 3650)
    brought = brought_root.BroughtRoot("a.pem", "b.pem", pem, pem, pem, end, later)
    monkeypatch.setattr(brought_root, "load", lambda *_: brought)
    given = {"root": {"certificate": "a.pem", "key": "b.pem"}, "intermediate_days": 30}
    record({**EAST, "trust": given})
    assert about_trust(said) == [
        f"multimesh:trust: a CA between the root and the meshes expires on {end:%Y-%m-%d}: set trust.root to one that "
        "is valid for longer"
    ]


def test_cas_of_another_stack_that_expire_soon_are_said(said: list[str]) -> None:
    certificate = signed(days=50)
    recording = record(
        {**EAST, "trust": {"stack": "trust"}}, stacks=stacks(TRUST | {"certificates": {"east": certificate}})
    )
    remedy = "run `pulumi up` in the stack that issues it (trust.stack), and then here"
    assert about_trust(said) == [
        f"multimesh:trust: the CA of trust domain east.mesh expires on {certificate['expires'][:10]}: {remedy}"
    ]
    assert recording.outputs["meshes"]["east"]["ca_expires"] == certificate["expires"]


def test_cas_that_are_valid_for_long_are_not_worth_a_line(said: list[str]) -> None:
    recording = record(EAST)
    assert about_trust(said) == []
    assert recording.outputs["root_ca_expires"] == "2036-01-01T00:00:00Z"
