"""The steps from one root to another: what each `up` makes, and which step may follow which."""

from pathlib import Path
from typing import Any

import pytest
from authorities import Authority, new_key
from authorities import root as self_signed
from certificates import PEM, root
from recording import recorded

from components.settings import SettingsError

LOCAL = {"cluster": {"kind": "local"}}
OLD, NEW = root(new_key(), 3650), root(new_key(), 3650)
OWNER = "organization/multimesh/test"
BOTH = {"created-1": OLD, "created-2": NEW}
SERIAL = "01"  # of certificates.PEM


def config(**trust: Any) -> dict[str, Any]:
    return {"meshes": {"east": LOCAL}, "sample": False, "trust": trust}


def had(signs: str, roots: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"test": {"root_ca": signs, "root_cas": roots, "root_ca_owner": OWNER, "meshes": {}, **more}}


def refused(stacks: dict[str, Any], **trust: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        recorded(config(**trust), stacks=stacks)
    [line] = str(caught.value).splitlines()[1:]
    return line.removeprefix("  multimesh:")


def test_a_second_root_is_made_beside_the_one_that_signs() -> None:
    recording = recorded(config(also_trusted={"root_generation": 2}), stacks=had(OLD, {"created-1": OLD}))
    assert {"root-key", "root-2-key"} <= recording.resources.keys()
    assert recording["east-certificate"].inputs["root_key_pem"] == "key of root-key"
    assert recording["east-cacerts"].inputs["stringData"]["root-cert.pem"] == PEM + PEM
    assert recording.outputs["root_cas"].keys() == {"created-1", "created-2"}


def test_the_new_root_signs_while_the_former_is_trusted() -> None:
    recording = recorded(config(root_generation=2, also_trusted={"root_generation": 1}), stacks=had(OLD, BOTH))
    assert recording["east-certificate"].inputs["root_key_pem"] == "key of root-2-key"
    assert list(recording.outputs["root_cas"]) == ["created-2", "created-1"]


def test_the_former_root_is_gone_at_the_end() -> None:
    recording = recorded(config(root_generation=2), stacks=had(NEW, BOTH))
    assert "root-key" not in recording.resources
    assert recording.outputs["root_cas"].keys() == {"created-2"}


def test_a_step_back_is_allowed_before_the_former_root_is_dropped() -> None:
    recording = recorded(config(also_trusted={"root_generation": 2}), stacks=had(NEW, BOTH))
    assert recording["east-certificate"].inputs["root_key_pem"] == "key of root-key"


def test_the_root_that_signs_keeps_its_resources_through_the_steps() -> None:
    """Under another parent's type the engine would take it for another resource."""
    before = recorded(config(also_trusted={"root_generation": 2}))["root-2-key"].urn
    after = recorded(config(root_generation=2))["root-2-key"].urn
    assert after == before


def test_a_root_of_the_users_own_is_trusted_by_its_certificate_alone(tmp_path: Path) -> None:
    own = self_signed()
    (tmp_path / "root.pem").write_text(own.certificate)
    recording = recorded(config(also_trusted={"certificate": str(tmp_path / "root.pem")}))
    assert recording["east-cacerts"].inputs["stringData"]["root-cert.pem"] == PEM + own.certificate


def test_a_root_that_is_not_trusted_yet_cannot_sign() -> None:
    assert refused(had(OLD, {"created-1": OLD}), root_generation=2) == (
        "trust.root_generation: the meshes do not trust this root yet, so it cannot sign. Restore the former root, add "
        "the new one as `also_trusted: {root_generation: 2}` to trust, and run `pulumi up`; or let `multimesh "
        "rotate-root` do every step (docs/security.md)"
    )


def test_a_stack_of_an_earlier_version_cannot_skip_a_step_either() -> None:
    stacks = {"test": {"root_ca": OLD, "root_ca_owner": OWNER, "meshes": {}}}
    assert refused(stacks, root_generation=2).startswith("trust.root_generation: the meshes do not trust this root yet")
    assert recorded(config(), stacks=stacks).outputs["root_cas"].keys() == {"created-1"}


def test_a_created_root_is_not_replaced_by_a_brought_one_at_once(tmp_path: Path) -> None:
    certificate, key = _files(tmp_path, self_signed())
    line = refused(had(OLD, {"created-1": OLD}), root={"certificate": certificate, "key": key})
    assert line.startswith("trust.root: the meshes do not trust this root yet, so it cannot sign. Restore the former")
    assert f"also_trusted: {{certificate: {certificate}}}" in line


def test_the_former_root_cannot_be_dropped_while_proxies_have_certificates_of_it() -> None:
    assert refused(had(OLD, BOTH), root_generation=2) == (
        "trust.root_generation: running proxies still have certificates of the former root, so it must stay trusted. "
        "Add it to trust as `also_trusted: {root_generation: 1}`, and remove that once `multimesh rotate-root --check` "
        "finds nothing to wait for"
    )


def test_a_new_key_of_a_ca_has_a_name_of_its_own_and_reaches_running_proxies() -> None:
    recording = recorded(config(ca_generations={"east": 2}))
    assert "east-ca" not in recording.resources
    assert recording["east-request"].inputs["subject"]["commonName"] == "multimesh 2 east"
    cacerts = recording["east-cacerts"].inputs["stringData"]
    assert cacerts["ca-key.pem"] == "key of east-ca-2"
    assert cacerts["root-cert.pem"] == "# key 2 of the CA\n" + PEM


def test_lists_of_every_root_and_every_ca_reach_istiod_and_the_gateway() -> None:
    recording = recorded(config(revoked=["0A"], ca_generations={"east": 2}, also_trusted={"root_generation": 2}))
    lists = recording["east-cacerts"].inputs["stringData"]["ca-crl.pem"]
    signers = [line.removeprefix("signed with ") for line in lists.splitlines() if line.startswith("signed")]
    assert signers == ["root-key, revoked: [10]", "root-2-key, revoked: [10]", "east-ca-2", "east-ca-3"]
    values = recording["east-gateway"].inputs["values"]
    assert "/var/run/secrets/istio/crl" in [mount["mountPath"] for mount in values["volumeMounts"]]
    assert "multimesh/revocation-lists" in recording["east-istiod"].inputs["values"]["podAnnotations"]


def test_nothing_is_checked_while_nothing_is_revoked() -> None:
    recording = recorded(config())
    assert "ca-crl.pem" not in recording["east-cacerts"].inputs["stringData"]
    assert "istio-ca-crl" not in [volume["name"] for volume in recording["east-gateway"].inputs["values"]["volumes"]]
    assert recording.outputs["root_revocation_lists"] == ""


def test_no_list_is_a_secret() -> None:
    recording = recorded(config(revoked=["0A"], ca_generations={"east": 2}))
    assert not {"revocation_lists", "root_revocation_lists"} & recording.secret_outputs


def test_a_ca_that_still_signs_cannot_be_revoked() -> None:
    meshes = {"meshes": {"east": {"ca_serial": "0A1B", "ca_generation": 1.0}}}
    assert refused(had(OLD, {"created-1": OLD}, **meshes), revoked=["0a:1b"], ca_generations={"east": 2}) == (
        "trust.revoked: '0A1B': mesh east still signs with this CA. First give it another key: set "
        "trust.ca_generations.east to 2 and run `pulumi up` without this entry"
    )


def test_lists_that_proxies_check_cannot_be_taken_away() -> None:
    assert refused(had(OLD, {"created-1": OLD}, root_revocation_lists="a list")) == (
        "trust.revoked: proxies check revocation lists since a CA was revoked, and refuse every CA that has none, so "
        "keep an entry"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no certificate", "is not a PEM certificate"),
        (self_signed().certificate + self_signed().certificate, "which is not on the way from 'CN=root' to its root"),
        (PEM, "is not a CA (basic constraints)"),
    ],
)
def test_a_file_that_is_no_root_is_not_trusted(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "root.pem").write_text(text)
    line = refused({}, also_trusted={"certificate": str(tmp_path / "root.pem")})
    assert line.startswith(f"trust.also_trusted: {tmp_path}/root.pem ")
    assert line.endswith(message)


def test_the_certificate_of_the_root_that_signs_is_no_other_root(tmp_path: Path) -> None:
    certificate, key = _files(tmp_path, self_signed())
    line = refused({}, root={"certificate": certificate, "key": key}, also_trusted={"certificate": certificate})
    assert line == "trust.also_trusted: must be another root than the one that signs; remove it"


def test_the_number_of_a_created_root_is_refused_beside_a_brought_one(tmp_path: Path) -> None:
    certificate, key = _files(tmp_path, self_signed())
    line = refused({}, root={"certificate": certificate, "key": key}, root_generation=2)
    assert line == "trust.root_generation: 2: is for a created root; remove it, as trust.root is your own"


def test_a_root_without_its_key_cannot_take_part_in_revocation(tmp_path: Path) -> None:
    certificate, _ = _files(tmp_path, self_signed())
    line = refused({}, revoked=["0A"], also_trusted={"certificate": certificate})
    assert line == "trust.revoked: needs a list signed by every trusted root: set key beside also_trusted.certificate"


def _files(folder: Path, authority: Authority) -> tuple[str, str]:
    certificate, key = folder / "root.pem", folder / "root.key"
    certificate.write_text(authority.certificate)
    key.touch(mode=0o600)
    key.write_text(authority.key_pem)
    return str(certificate), str(key)
