"""Another key for the CA of a mesh whose root is another stack's: its request, what the mesh keeps, and its lists."""

from typing import Any

import pytest
from peer_stacks import KEY, PEM, ROOT, STATE, TRUST, outputs, refused, run, signed
from recording import Recording, recorded
from trust import authorities

from components.settings import SettingsError
from components.trust import revocation

SECOND = authorities.root(None, identifier=b"\2" * 20)
BOTH = {"created-1": PEM, "created-2": SECOND.certificate}
NEW_KEY = authorities.new_key()
OTHER = {"east": {"trust_domain": "east.mesh", "certificate": signed(key=authorities.new_key())["certificate"]}}
"""What the trust stack has signed, which is not for the key of east."""
WEST_KEY = authorities.new_key()
LISTED = revocation.of_ca(
    authorities.request(WEST_KEY, "multimesh 2 west"), authorities.pem(WEST_KEY), ROOT.certificate, []
)
LISTS_OF_ROOT = revocation.of_root(PEM, ROOT.key_pem, [10])
SECOND_KEY = {"trust": {"stack": "trust", "ca_generations": {"east": 2}}}


def held(note: str = "") -> dict[str, Any]:
    """The state of a stack whose mesh east runs with a CA of its first key."""
    files = {
        "ca-cert.pem": signed()["certificate"],
        "ca-key.pem": "key of east before",
        "root-cert.pem": note + PEM,
        "cert-chain.pem": signed()["certificate"] + PEM,
    }
    return STATE | {"east-cacerts": {"type": "kubernetes:core/v1:Secret", "outputs": {"stringData": files}}}


def with_key(state: dict[str, Any], generation: int) -> dict[str, Any]:
    """The same state once the key of another generation is made."""
    public = {"publicKeyPem": authorities.public_pem(NEW_KEY)}
    return state | {f"east-ca-{generation}": {"type": "tls:index/privateKey:PrivateKey", "outputs": public}}


def files(recording: Recording) -> dict[str, str]:
    return recording["east-cacerts"].inputs["stringData"]


def test_a_mesh_keeps_its_ca_until_the_request_of_another_key_is_signed() -> None:
    state = held()
    recording = run(also={"state of test": state}, **SECOND_KEY)
    assert recording["east-signing-request"].inputs["common_name"] == "multimesh 2 east"
    assert {"east-ca", "east-ca-2"} & recording.resources.keys() == {"east-ca-2"}
    assert files(recording) == state["east-cacerts"]["outputs"]["stringData"]
    assert recording.outputs["meshes"]["east"]["ca_generation"] == 1


def test_a_mesh_takes_the_ca_of_another_key_once_it_is_signed(monkeypatch: Any) -> None:
    monkeypatch.setitem(TRUST, "certificates", {"east": signed(key=NEW_KEY)})
    recording = run(also={"state of test": with_key(held(), 2)}, **SECOND_KEY)
    assert files(recording)["ca-key.pem"] == "key of east-ca-2"
    assert files(recording)["root-cert.pem"] == "# key 2 of the CA\n" + PEM
    assert recording.outputs["meshes"]["east"]["ca_generation"] == 2


def test_a_ca_that_is_kept_keeps_the_number_of_its_key(monkeypatch: Any) -> None:
    """Another text would make every proxy ask for a certificate."""
    monkeypatch.setitem(TRUST, "certificates", OTHER)
    recording = run(also={"state of test": held("# key 7 of the CA\n")})
    assert files(recording)["root-cert.pem"] == "# key 7 of the CA\n" + PEM


def test_a_mesh_that_keeps_its_ca_takes_every_root_that_the_owner_trusts(monkeypatch: Any) -> None:
    monkeypatch.setattr("peer_stacks.TRUST", TRUST | {"certificates": OTHER, "root_cas": BOTH})
    assert files(run(also={"state of test": held()}))["root-cert.pem"] == PEM + SECOND.certificate


def test_the_root_of_a_ca_that_is_kept_cannot_be_dropped(monkeypatch: Any) -> None:
    had = {"root_ca": SECOND.certificate, "root_cas": BOTH, "root_ca_owner": "organization/multimesh/trust"}
    roots = {"root_ca": SECOND.certificate, "root_cas": {"created-2": SECOND.certificate}}
    monkeypatch.setattr("peer_stacks.TRUST", TRUST | roots | {"certificates": OTHER})
    assert refused(also={"test": had, "state of test": held()}) == [
        "meshes.east: its CA is signed under a root that is trusted no more, and no other is signed for it yet. Stack "
        "trust dropped it too early: add it to trust.also_trusted there, and run `pulumi up` there and then here"
    ]


def test_a_key_has_its_list_before_it_signs(monkeypatch: Any) -> None:
    monkeypatch.setattr("peer_stacks.TRUST", TRUST | {"root_revocation_lists": LISTS_OF_ROOT})
    recording = run(outputs(revocation_lists=LISTED), also={"state of test": held()}, **SECOND_KEY)
    signers = [line for line in recording.outputs["revocation_lists"].splitlines() if line.startswith("signed")]
    assert signers == [f"signed with {key}" for key in ("east before", "east-ca-2", "east-ca-3")]
    assert "revocation_lists" not in recording.secret_outputs


def test_lists_stay_while_the_stack_that_signs_them_is_not_up() -> None:
    had = {"root_ca": PEM, "root_cas": {"created-1": PEM}, "root_revocation_lists": LISTS_OF_ROOT}
    also = {"trust": {}, "test": had, "state of test": held()}
    recording = run(outputs(revocation_lists=LISTED), also=also)
    assert files(recording)["ca-crl.pem"].startswith(LISTS_OF_ROOT)
    assert recording.outputs["root_revocation_lists"] == LISTS_OF_ROOT


def test_lists_of_roots_that_the_roots_did_not_sign_are_refused(monkeypatch: Any) -> None:
    forged = revocation.of_root(SECOND.certificate, SECOND.key_pem, [10])
    monkeypatch.setattr("peer_stacks.TRUST", TRUST | {"root_revocation_lists": forged})
    assert refused() == [
        "trust.stack: 'trust': the output root_revocation_lists of that stack is not signed by its roots"
    ]


def test_a_ca_that_a_mesh_of_another_stack_signs_with_cannot_be_revoked() -> None:
    trust = {"issues": {"east": {"stack": "team/mesh/e"}}, "revoked": ["0A"]}
    asking = {"requests": {"east": authorities.request(KEY)}, "meshes": {"east": {"ca_serial": "0A"}}}
    with pytest.raises(SettingsError) as caught:
        recorded({"meshes": {}, "trust": trust}, stacks={"team/mesh/e": asking})
    assert (
        "trust.revoked: '0A': mesh east of stack team/mesh/e signs with this CA. First give it another key: another "
        "trust.ca_generations.east there, then `pulumi up` there, here and there again"
    ) in str(caught.value)
