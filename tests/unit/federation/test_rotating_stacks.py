"""A rotation over several stacks: which stack waits for which."""

from typing import Any

from peer_stacks import PEM, ROOT, TRUST, outputs, refused, run, signed, west
from trust import authorities

from components.trust import revocation
from components.trust.ca import fingerprint

SECOND = authorities.root(None, identifier=b"\2" * 20)
NEW = SECOND.certificate
BOTH = {"created-1": PEM, "created-2": NEW}
WEST_KEY = authorities.new_key()
LISTED = revocation.of_ca(
    authorities.request(WEST_KEY, "multimesh 2 west"), authorities.pem(WEST_KEY), ROOT.certificate, []
)
LIST_OF_ROOT = revocation.of_root(PEM, ROOT.key_pem, [10])


def owner(signs: authorities.Authority, roots: dict[str, str], **more: Any) -> dict[str, Any]:
    """The outputs of the stack that owns the root, and that has signed the CA of east under `signs`."""
    certificates = {"east": signed(by=signs)}
    return TRUST | {"root_ca": signs.certificate, "root_cas": roots, "certificates": certificates, **more}


def own(signs: str, roots: dict[str, str]) -> dict[str, Any]:
    return {"root_ca": signs, "root_cas": roots, "root_ca_owner": "organization/multimesh/trust"}


def test_a_stack_takes_every_root_that_the_owner_trusts(monkeypatch: Any) -> None:
    monkeypatch.setitem(TRUST, "root_cas", BOTH)
    recording = run()
    assert recording["east-cacerts"].inputs["stringData"]["root-cert.pem"] == PEM + NEW
    assert recording.outputs["root_cas"] == BOTH


def test_a_stack_waits_for_a_peer_that_does_not_trust_the_new_root(monkeypatch: Any) -> None:
    monkeypatch.setattr("peer_stacks.TRUST", owner(SECOND, BOTH))
    assert refused() == [
        f"peers: stacks test and west are at different steps of a rotation: west does not trust {fingerprint(NEW)}, "
        "with which test signs. Wait for west: run `pulumi up` there, and then here"
    ]


def test_the_former_root_is_dropped_once_every_peer_signs_with_the_new_one(monkeypatch: Any) -> None:
    monkeypatch.setattr("peer_stacks.TRUST", owner(SECOND, {"created-2": NEW}))
    assert refused(outputs(root_cas=BOTH)) == [
        f"peers: stacks test and west are at different steps of a rotation: test does not trust {fingerprint(PEM)}, "
        "with which west signs. Wait for test: run `pulumi up` there, and then here"
    ]
    assert run(outputs(root_ca=NEW, root_cas=BOTH)).outputs["root_ca"] == NEW


def test_a_stack_that_missed_the_first_step_says_what_its_owner_must_do(monkeypatch: Any) -> None:
    monkeypatch.setattr("peer_stacks.TRUST", owner(SECOND, BOTH))
    [line] = refused(outputs(root_cas=BOTH), also={"test": own(PEM, {"created-1": PEM})})
    assert line == (
        "trust.stack: the meshes do not trust this root yet, so it cannot sign. Stack trust signs with it too early: "
        "restore its former root there, with the new one in trust.also_trusted, and run `pulumi up` there and then here"
    )


def test_a_revocation_waits_for_a_peer_whose_ca_has_no_list(monkeypatch: Any) -> None:
    monkeypatch.setattr("peer_stacks.TRUST", owner(ROOT, {"created-1": PEM}, root_revocation_lists=LIST_OF_ROOT))
    assert refused() == [
        "trust.revoked: stack west has no revocation list of its CAs yet, so its meshes would be refused. Wait for "
        "west: run `pulumi up` there"
    ]
    lists = run(outputs(revocation_lists=LISTED))["east-cacerts"].inputs["stringData"]["ca-crl.pem"]
    assert LISTED in lists
    assert LIST_OF_ROOT in lists
    assert "signed with east" in lists


def test_a_peers_ca_that_still_signs_cannot_be_revoked() -> None:
    about = outputs(meshes={"west": west() | {"ca_serial": "0A"}}, revocation_lists=LISTED)
    owning = {
        "trust": {"revoked": ["0A"]},
        "also": {"test": own(PEM, {}) | {"root_ca_owner": "organization/multimesh/test"}},
    }
    assert refused(about, **owning) == [
        "trust.revoked: '0A': mesh west of stack west signs with this CA. Wait for west: run `pulumi up` there"
    ]


def test_a_peers_lists_of_other_meshes_are_not_taken(monkeypatch: Any) -> None:
    """With one of the root's name, or of another mesh, a peer could have every mesh refused."""
    key = authorities.new_key()
    names = ["root", "multimesh east", "multimesh westward", "multimesh x west"]
    forged = [
        revocation.of_ca(authorities.request(key, name), authorities.pem(key), ROOT.certificate, []) for name in names
    ]
    monkeypatch.setattr("peer_stacks.TRUST", owner(ROOT, {"created-1": PEM}, root_revocation_lists=LIST_OF_ROOT))
    lists = run(outputs(revocation_lists="no list\n" + LISTED + "".join(forged)))["east-cacerts"].inputs["stringData"]
    assert LISTED in lists["ca-crl.pem"]
    assert not [text for text in ["no list", *forged] if text in lists["ca-crl.pem"]]
