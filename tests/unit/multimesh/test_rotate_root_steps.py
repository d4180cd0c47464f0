"""The steps of `multimesh rotate-root`: which is next, what the configuration then says, and how it is changed."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from trust import authorities

from multimesh.contract import VerifyMeshOutputs, VerifyOutputs
from multimesh.rotate_root import configuration, run, steps
from multimesh.rotate_root.run import Rotation, UnfinishedError, before, brought
from multimesh.rotate_root.steps import Root, Step
from multimesh.stack import OutputsError

MESH = VerifyMeshOutputs(ingress_url="", gateway_address="", gateway_port=1, trust_domain="", ca_expires="")
FIRST, SECOND = Root.created(1), Root.created(2)
OWN = Root("brought-ab", None, "new.crt", "new.key")
ISSUING = {"certificate": "issuing.crt", "chain": "offline.crt", "key": "issuing.key"}


def outputs(signs: str, *roots: str) -> VerifyOutputs:
    """A stack whose roots have their names as certificates."""
    return VerifyOutputs(
        meshes={"east": MESH},
        root_ca=signs,
        root_cas={root: root for root in roots},
        root_ca_fingerprint="",
        services={},
        kubeconfigs={"east": SecretStr("")},
    )


@pytest.mark.parametrize(
    ("found", "step"),
    [
        (outputs("created-1", "created-1"), Step.TRUST),
        (outputs("created-1", "created-1", "created-2"), Step.SIGN),
        (outputs("created-2", "created-2", "created-1"), Step.DROP),
        (outputs("created-2", "created-2"), Step.DONE),
    ],
)
def test_the_next_step_is_the_one_that_the_outputs_lack(found: VerifyOutputs, step: Step) -> None:
    assert steps.next_step(found, SECOND) is step


@pytest.mark.parametrize(
    ("found", "trust", "target"),
    [
        (outputs("created-1", "created-1"), {}, SECOND),
        (outputs("created-4", "created-4"), {"root_generation": 4}, Root.created(5)),
        (outputs("created-1", "created-1"), {"also_trusted": {"root_generation": 2}}, SECOND),
        (outputs("created-1", "created-1", "created-2"), {"also_trusted": {"root_generation": 2}}, SECOND),
        (outputs("created-2", "created-2", "created-1"), {"root_generation": 2}, SECOND),
        (outputs("brought-ab", "brought-ab"), {"root": {"certificate": "c", "key": "k"}}, FIRST),
    ],
)
def test_a_rotation_that_was_begun_is_gone_on_with(found: VerifyOutputs, trust: dict[str, Any], target: Root) -> None:
    assert steps.default_target(found, trust) == target


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            FIRST,
            SECOND,
            [
                {"also_trusted": {"root_generation": 2}},
                {"root_generation": 2, "also_trusted": {"root_generation": 1}},
                {"root_generation": 2},
            ],
        ),
        (
            SECOND,
            OWN,
            [
                {"root_generation": 2, "also_trusted": {"certificate": "new.crt", "key": "new.key"}},
                {"root": {"certificate": "new.crt", "key": "new.key"}, "also_trusted": {"root_generation": 2}},
                {"root": {"certificate": "new.crt", "key": "new.key"}},
            ],
        ),
        (
            OWN,
            FIRST,
            [
                {"root": {"certificate": "new.crt", "key": "new.key"}, "also_trusted": {"root_generation": 1}},
                {"also_trusted": {"certificate": "new.crt", "key": "new.key"}},
                {},
            ],
        ),
        (
            Root("brought-ab", None, "issuing.crt", "issuing.key", "offline.crt"),
            FIRST,
            [{"root": ISSUING, "also_trusted": {"root_generation": 1}}, {"also_trusted": ISSUING}, {}],
        ),
    ],
    ids=["created, created", "created, brought", "brought, created", "issuing, created"],
)
def test_what_the_configuration_says_at_each_step(old: Root, new: Root, expected: list[dict[str, Any]]) -> None:
    trust: dict[str, Any] = {"root_days": 99}
    for step, said in zip((Step.TRUST, Step.SIGN, Step.DROP), expected, strict=True):
        trust = steps.configured(trust, step, old, new)
        assert trust == {"root_days": 99, **said}


def test_the_former_root_is_found_at_every_step() -> None:
    trust = {"root": {"certificate": "c", "key": "k"}}
    assert steps.former(outputs("created-1", "created-1"), {}, SECOND) == FIRST
    assert steps.former(outputs("created-2", "created-2", "created-1"), {}, SECOND) == FIRST
    assert steps.former(outputs("brought-cd", "brought-cd"), trust, FIRST) == Root("brought-cd", None, "c", "k")


def test_a_root_whose_key_is_elsewhere_is_not_rotated_by_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "read", lambda *_: {"root": {"certificate": "root.pem"}})
    with pytest.raises(OutputsError, match="the key of the root is elsewhere"):
        Rotation(None, restarts=False, wait=0, say=print).to(None)


def test_a_ca_below_a_root_is_no_root_to_rotate_to(tmp_path: Path) -> None:
    (tmp_path / "issuing.pem").write_text(authorities.root().below("issuing").certificate)
    with pytest.raises(OutputsError, match="is not a root: another CA signed it"):
        brought(tmp_path / "issuing.pem", tmp_path / "issuing.key")


def test_a_brought_root_that_the_configuration_does_not_name_cannot_be_kept() -> None:
    with pytest.raises(OutputsError, match="does not say where the root brought-cd is"):
        steps.former(outputs("brought-cd", "brought-cd"), {}, FIRST)


def test_a_stack_of_an_earlier_version_needs_an_up_first() -> None:
    with pytest.raises(OutputsError, match="made by an earlier version: run `pulumi up` first"):
        steps.signing(outputs("a certificate"))


def test_before_a_step_no_more_is_needed_than_it_needs() -> None:
    names = {"key 1": "created-1", "key 2": "created-2"}
    sign, drop = (before(step, SECOND, names) for step in (Step.SIGN, Step.DROP))
    assert (sign.trusts, sign.signed_under, sign.only) == (names, None, False)
    assert (drop.trusts, drop.signed_under, drop.only) == ({"key 2": "created-2"}, "key 2", False)


def test_the_configuration_is_changed_leaf_by_leaf(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(configuration, "_pulumi", lambda arguments, _: ran.append(list(arguments)) or "")
    had = {"root_days": 99, "also_trusted": {"certificate": "a", "key": "k"}, "revoked": ["0A"]}
    configuration.write(["--stack", "s"], tmp_path, had, {"root_days": 99, "root_generation": 2, "revoked": ["0A"]})
    assert ran == [
        ["config", "set-all", "--path", "--plaintext", "multimesh:trust.root_generation=2", "--stack", "s"],
        ["config", "rm", "--path", "multimesh:trust.also_trusted", "--stack", "s"],
    ]


def test_a_configuration_that_is_one_text_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(configuration, "_pulumi", lambda *_: '{"multimesh:trust": {"value": "{}", "secret": false}}')
    with pytest.raises(OutputsError, match="must be a YAML mapping"):
        configuration.read([], tmp_path)


MISTAKE = "error: the stack's configuration has 1 mistake; nothing was changed:\n  multimesh:trust.also_trusted: {}\n"


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is written to the configuration of a stack with one created root."""
    written: list[Any] = []
    monkeypatch.setattr(configuration, "read", lambda *_: {"root_days": 99})
    monkeypatch.setattr(configuration, "write", lambda _, __, had, trust: written.append((had, trust)))
    monkeypatch.setattr(run, "read_outputs", lambda _: outputs("created-1", "created-1"))
    return written


def ends(monkeypatch: pytest.MonkeyPatch, code: int, printed: str) -> None:
    """Let `pulumi up` end so."""
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, code, printed, ""))


def test_a_root_that_the_program_refuses_leaves_the_configuration_as_it_was(
    monkeypatch: pytest.MonkeyPatch, configured: list[Any]
) -> None:
    ends(monkeypatch, 255, MISTAKE.format("new.key: is not the key of new.crt"))
    with pytest.raises(OutputsError, match=r"new.key: is not the key of new.crt"):
        Rotation(None, restarts=False, wait=0, say=print).to(OWN)
    [(had, wanted), restored] = configured
    assert wanted["also_trusted"] == {"certificate": "new.crt", "key": "new.key"}
    assert restored == (wanted, had)


@pytest.mark.parametrize("printed", ["error: the cluster does not answer", MISTAKE.format("Wait for north")])
def test_a_step_that_was_begun_or_waits_stays_configured(
    monkeypatch: pytest.MonkeyPatch, configured: list[Any], printed: str
) -> None:
    ends(monkeypatch, 255, printed)
    with pytest.raises((OutputsError, UnfinishedError)):
        Rotation(None, restarts=False, wait=0, say=print).to(OWN)
    assert len(configured) == 1


def test_the_path_of_a_root_is_found_from_the_project_wherever_the_command_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("root.pem").write_text(authorities.root().certificate)
    assert brought(Path("root.pem"), Path("root.key")).certificate == str(tmp_path / "root.pem")
    monkeypatch.setattr(run, "project", lambda: tmp_path)
    assert brought(Path("root.pem"), Path("root.key")).certificate == "root.pem"
