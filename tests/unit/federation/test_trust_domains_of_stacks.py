"""A mesh whose CA another stack signs, and that changes its trust domain: what it asks for, takes and keeps."""

from typing import Any

import pytest
from peer_stacks import KEY, LOCAL, PEM, ROOT, STATE, TRUST, refused, run, signed
from recording import Recording, recorded
from trust import authorities

OLD, NEW = "east.mesh", "shop.example"


def with_both(monkeypatch: pytest.MonkeyPatch, **given: Any) -> Recording:
    """Run the stack of east, whose CA the trust stack signs for both trust domains."""
    monkeypatch.setitem(TRUST, "certificates", {"east": signed(aliases=[NEW])})
    return run(**given)


def held(*trust_domains: str) -> dict[str, Any]:
    """The state of a stack whose mesh runs with a CA for these trust domains; its present key is another one."""
    domain, *aliases = trust_domains
    certificate = signed(domain, key=authorities.new_key(), aliases=aliases)["certificate"]
    files = {"ca-cert.pem": certificate, "ca-key.pem": "key", "root-cert.pem": PEM, "cert-chain.pem": certificate + PEM}
    return STATE | {"east-cacerts": {"type": "kubernetes:core/v1:Secret", "outputs": {"stringData": files}}}


def test_a_mesh_has_the_aliases_for_which_the_other_stack_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = with_both(monkeypatch)
    mesh_config = recording["east-istiod"].inputs["values"]["meshConfig"]
    assert (mesh_config["trustDomain"], mesh_config["trustDomainAliases"]) == (OLD, [NEW])
    assert recording.outputs["meshes"]["east"]["trust_domain_aliases"] == [NEW]
    assert {OLD, NEW} <= {*recording.outputs["accepted_trust_domains"]}


def test_a_mesh_asks_for_its_aliases(monkeypatch: pytest.MonkeyPatch) -> None:
    assert with_both(monkeypatch)["east-signing-request"].inputs["trust_domain_aliases"] == [NEW]


def test_a_request_of_a_mesh_without_aliases_stays_as_it_was() -> None:
    assert "trust_domain_aliases" not in run()["east-signing-request"].inputs


def test_other_aliases_than_those_that_are_signed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRUST, "certificates", {"east": signed(aliases=[NEW])})
    assert refused(meshes={"east": LOCAL | {"trust_domain_aliases": ["old.mesh"]}}) == [
        f"meshes.east.trust_domain_aliases: must be [{NEW}], or not set: stack trust issues the CA of east for it"
    ]


def test_a_mesh_keeps_its_trust_domain_until_a_ca_for_the_new_one_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    unsigned = {"east": {"trust_domain": NEW, "trust_domain_aliases": [OLD]}}
    monkeypatch.setitem(TRUST, "certificates", unsigned)
    [line] = refused(also={"state of test": held(OLD)})
    assert line.startswith("meshes.east.trust_domain: the CA that the mesh runs with is for another trust domain than")
    recording = run(also={"state of test": held(OLD, NEW)})
    assert recording.outputs["meshes"]["east"]["trust_domain"] == NEW


def test_the_stack_with_the_root_signs_for_both() -> None:
    trust = {"issues": {"east": {"trust_domain_aliases": [NEW]}}}
    asking = {"east": {"requests": {"east": authorities.request(KEY)}}}
    recording = recorded({"meshes": {}, "trust": trust}, stacks=asking)
    assert recording["east-certificate"].inputs["trust_domain_aliases"] == [NEW]
    assert recording.outputs["certificates"]["east"]["trust_domain_aliases"] == [NEW]


def test_a_stack_that_is_not_up_takes_no_alias_from_a_mesh() -> None:
    mesh = {"trust_domain": OLD, "trust_domain_aliases": [NEW], "exports": {}}
    had = {"root_ca": ROOT.certificate, "meshes": {"east": mesh}}
    recording = run(also={"trust": {}, "test": had, "state of test": held(OLD, NEW)})
    assert recording.outputs["meshes"]["east"]["trust_domain_aliases"] == [NEW]
