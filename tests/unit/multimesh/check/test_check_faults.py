"""One fault at a time in a sound federation: the first thing that is wrong names it, and nothing is invented."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from broken import (
    FAULTS,
    HARMLESS,
    LIST,
    WARNINGS,
    Fault,
    added,
    message,
    named,
    on_machine,
    outputs,
    presents,
    provided_by,
    proxy,
    revoking,
    rotating,
)
from sound import MESHES, OTHER_ROOT, ROOT, SERVICE, cacerts, federation, with_cluster

from components import istio
from multimesh.check.istio_messages import EXPECTED
from multimesh.check.istiod_certificate import Presented
from multimesh.check.made import Key
from multimesh.check.result import Severity
from multimesh.check.run import CHECKS, judge
from multimesh.contract import Form


def test_a_sound_federation_has_no_problem() -> None:
    assert [problem for outcome in judge(federation()) for problem in outcome.problems] == []


@pytest.mark.parametrize("fault", FAULTS)
def test_the_first_thing_that_is_wrong_is_the_fault(fault: str) -> None:
    break_it, anchor, cause = FAULTS[fault]
    first = next(outcome for outcome in judge(break_it(federation())) if outcome.failed)
    assert first.check.anchor == anchor
    assert cause in first.problems[0].cause


@pytest.mark.parametrize("fault", WARNINGS)
def test_what_may_be_wrong_is_a_warning_alone(fault: str) -> None:
    break_it, anchor, cause = WARNINGS[fault]
    outcomes = judge(break_it(federation()))
    assert not any(outcome.failed for outcome in outcomes)
    [found] = [outcome for outcome in outcomes if outcome.problems]
    assert found.check.anchor == anchor
    assert found.problems[0].severity is Severity.WARNING
    assert cause in found.problems[0].cause


@pytest.mark.parametrize("harmless", HARMLESS)
def test_what_does_no_harm_is_no_problem(harmless: str) -> None:
    assert [one for one in judge(HARMLESS[harmless](federation())) if one.problems] == []


def test_in_a_single_mesh_two_cannot_decide_about_the_own_name() -> None:
    single = outputs(lambda one: one.model_copy(update={"one_mesh": True}))
    routed = added("HTTPRoute", "shop", "split", {"parentRefs": [{"kind": "Service", "name": "web"}]})
    found = next(one for one in judge(routed(single(federation()))) if one.check.anchor == "foreign-rules")
    assert found.failed


def test_what_may_not_be_read_is_said() -> None:
    [found] = [
        one for one in judge(with_cluster(federation(), "east", lambda _: None, refused=["Pod (403)"])) if one.problems
    ]
    assert found.check.anchor == "permissions"
    assert found.problems[0].severity is Severity.UNKNOWN


@pytest.mark.parametrize(
    ("analyses", "said"),
    [(None, "istioctl is not on PATH"), ({"east": "istioctl analyze: forbidden"}, "istioctl analyze: forbidden")],
)
def test_what_istio_could_not_be_asked_is_said_once(analyses: Any, said: str) -> None:
    [found] = [one for one in judge(replace(federation(), analyses=analyses)) if one.problems]
    [problem] = found.problems
    assert (found.check.anchor, problem.severity) == ("istioctl", Severity.UNKNOWN)
    assert said in problem.cause


@pytest.mark.parametrize(
    ("code", "kind", "name", "said"),
    [
        *((code, kind, "ours", 0) for code, kind in EXPECTED.items()),
        *((code, kind, "theirs", 1) for code, kind in EXPECTED.items()),
        ("IST0101", "EnvoyFilter", "ours", 1),
        ("IST0133", "ServiceEntry", "ours", 1),
    ],
)
def test_what_istio_always_says_of_the_stacks_own_objects_is_left_out(
    code: str, kind: str, name: str, said: int
) -> None:
    sound = federation()
    key = Key(kind, "istio-system", "ours")
    sound = replace(sound, made=replace(sound.made, objects={"west": {key: {}}}))
    analyses = {"east": [message("Warning", kind, "istio-system", name, code)]}
    found = next(one for one in judge(replace(sound, analyses=analyses)) if one.check.anchor == "istioctl")
    assert len(found.problems) == said


def test_what_of_the_machine_cannot_be_seen_is_said() -> None:
    [found] = [one for one in judge(on_machine(unseen=["no right"])(federation())) if one.problems]
    assert (found.check.anchor, found.problems[0].severity) == ("lab-clusters", Severity.UNKNOWN)


def test_a_proxy_that_cannot_be_asked_for_its_lists_is_said() -> None:
    [found] = [one for one in judge(revoking(LIST, trouble="no route")(federation())) if one.problems]
    assert found.check.anchor == "revoked-refused"
    assert (found.problems[0].severity, found.problems[0].cause) == (
        Severity.UNKNOWN,
        "its proxy cannot be asked: no route",
    )


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ({"roots": frozenset()}, "its proxy does not trust created-1 and created-2"),
        ({"signed_under": ""}, "its proxy has a certificate that is not signed under created-1"),
    ],
)
def test_in_a_rotation_who_is_not_ready_for_the_next_step_is_named(lacking: dict[str, Any], said: str) -> None:
    outcomes = judge(rotating(proxies=[proxy(), proxy(**lacking)])(federation()))
    [found] = [one for one in outcomes if one.problems]
    assert [one.cause for one in found.problems[1:]] == [said]
    assert "Deployment shop/web" in found.problems[1].where


def test_in_a_rotation_a_mesh_that_no_update_has_reached_is_named() -> None:
    behind = with_cluster(
        rotating()(federation()), "east", lambda _: None, cacerts=cacerts("east", ROOT + OTHER_ROOT, signed_by="")
    )
    found = next(one for one in judge(behind) if one.check.anchor == "rotation")
    assert found.problems[1].where == "east"
    assert "is not signed under created-1 yet" in found.problems[1].cause


def test_a_rotation_whose_proxies_cannot_be_asked_says_so() -> None:
    found = next(one for one in judge(rotating(proxies="no answer")(federation())) if one.check.anchor == "rotation")
    assert (found.problems[-1].severity, found.problems[-1].cause) == (
        Severity.UNKNOWN,
        "its proxies cannot be asked: no answer",
    )


@pytest.mark.parametrize(
    ("unseen", "said"),
    [
        (presents(Presented("istiod-1", None, "port-forward to it, port 15012: Forbidden")), "Forbidden"),
        (provided_by("kubernetes"), "its own certificate is from elsewhere (PILOT_CERT_PROVIDER: kubernetes)"),
    ],
)
def test_what_istiod_signs_with_may_not_be_seen(unseen: Fault, said: str) -> None:
    [found] = [one for one in judge(unseen(federation())) if one.problems]
    assert (found.check.anchor, found.problems[0].severity) == ("signing-ca", Severity.UNKNOWN)
    assert said in found.problems[0].cause


def test_a_service_that_nobody_called_who_must_be_refused_is_named() -> None:
    key = Key("AuthorizationPolicy", "shop", SERVICE)
    listing = istio.others_denied({"app": "web"}, [8080], ["east.mesh/ns/demo/sa/echo", "west.mesh/ns/demo/sa/echo"])
    sound = federation()
    for mesh in MESHES:
        sound.made.objects[mesh][key] = {"spec": listing}  # type: ignore[index]  a dict of the test's own
    listed = [
        with_cluster(sound, mesh, lambda objects: named(objects, key.kind, SERVICE).update(spec=listing))
        for mesh in MESHES
    ]
    both = replace(sound, clusters={mesh: one.clusters[mesh] for mesh, one in zip(MESHES, listed, strict=True)})
    [found] = [one for one in judge(both) if one.problems]
    assert (found.check.anchor, found.problems[0].severity) == ("unlisted-callers", Severity.UNKNOWN)
    assert found.problems[0].where == f"{SERVICE}:80"


@pytest.mark.parametrize(("primary", "said"), [("east", 0), (None, 1)])
def test_with_one_control_plane_for_all_istios_own_services_may_differ(primary: str | None, said: int) -> None:
    form = Form(kind="single-mesh", network="gateways", primary=primary)
    single = outputs(lambda one: one.model_copy(update={"one_mesh": True, "topology": form}))(federation())
    analyses = {"east": [message("Warning", "Service", "istio-system", "istiod", "IST0170")]}
    found = next(one for one in judge(replace(single, analyses=analyses)) if one.check.anchor == "istioctl")
    assert len(found.problems) == said


def test_a_federation_that_refuses_a_revoked_ca_is_sound() -> None:
    assert [outcome for outcome in judge(revoking(LIST)(federation())) if outcome.problems] == []


def test_anchors_are_unique_and_have_a_heading_in_the_documents() -> None:
    anchors = [check.anchor for check in CHECKS]
    assert len(set(anchors)) == len(anchors)
    text = (Path(__file__).parents[4] / "docs/check.md").read_text()
    assert [anchor for anchor in anchors if f"\n### {anchor}\n" not in text] == []
