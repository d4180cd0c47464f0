"""Revocation with roots of the user's own: whose key signs a list, when it must be there, and where it never goes."""

from pathlib import Path
from typing import Any

import pytest
from authorities import Authority, certified, named, new_key
from authorities import root as self_signed
from certificates import PEM
from recording import recorded

from components.settings import SettingsError
from components.trust import revocation

LOCAL = {"cluster": {"kind": "local"}}


def brought(folder: Path, authority: Authority, name: str = "root") -> dict[str, str]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_text(authority.certificate)
    key.touch(mode=0o600)
    key.write_text(authority.key_pem)
    return {"certificate": str(certificate), "key": str(key)}


def issuing(folder: Path) -> tuple[Authority, dict[str, str]]:
    """Return an offline root, and the files of an issuing CA below it."""
    key, name = new_key(), named("offline")
    offline, chain = Authority(certified(name, key, name, key), key), folder / "offline.pem"
    chain.write_text(offline.certificate)
    return offline, brought(folder, offline.below("issuing")) | {"chain": str(chain)}


def config(**trust: Any) -> dict[str, Any]:
    return {"meshes": {"east": LOCAL}, "sample": False, "trust": trust}


def refused(stacks: dict[str, Any], **trust: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        recorded(config(**trust), stacks=stacks)
    [line] = str(caught.value).splitlines()[1:]
    return line.removeprefix("  multimesh:")


def had(authority: Authority, *numbers: int) -> dict[str, Any]:
    lists = revocation.of_root(authority.certificate, authority.key_pem, numbers)
    return {"test": {"root_ca": authority.certificate, "meshes": {}, "root_revocation_lists": lists}}


def test_the_key_of_a_brought_root_signs_its_list_and_goes_nowhere(tmp_path: Path) -> None:
    authority = self_signed()
    recording = recorded(config(root=brought(tmp_path, authority), revoked=["0A"]))
    lists = recording.outputs["root_revocation_lists"]
    assert lists == revocation.of_root(authority.certificate, authority.key_pem, [10])
    assert recording["east-cacerts"].inputs["stringData"]["ca-crl.pem"].startswith(lists)
    secret = authority.key_pem.splitlines()[1]
    assert not [one.name for one in recording.resources.values() if secret in str(one.inputs)]


def test_both_brought_roots_of_a_rotation_sign_a_list(tmp_path: Path) -> None:
    old, new = self_signed(), self_signed()
    roots = {"root": brought(tmp_path, old), "also_trusted": brought(tmp_path, new, "new")}
    lists = recorded(config(**roots, revoked=["0A"])).outputs["root_revocation_lists"]
    assert lists == "".join(revocation.of_root(one.certificate, one.key_pem, [10]) for one in (old, new))


def test_a_list_that_was_signed_before_needs_no_key(tmp_path: Path) -> None:
    authority = self_signed()
    root = brought(tmp_path, authority)
    Path(root["key"]).unlink()
    before = had(authority, 10)
    lists = recorded(config(root=root, revoked=["0A"]), stacks=before).outputs["root_revocation_lists"]
    assert lists == before["test"]["root_revocation_lists"]


def test_another_list_needs_the_key(tmp_path: Path) -> None:
    authority = self_signed()
    root = brought(tmp_path, authority)
    Path(root["key"]).unlink()
    assert refused(had(authority, 10), root=root, revoked=["0A", "0B"]) == (
        f"trust.revoked: {root['key']} is not there (trust.root.key), and the list of what is revoked is to be signed "
        "with it: bring it back for this `pulumi up`"
    )


def test_revocation_needs_the_key_of_the_root(tmp_path: Path) -> None:
    root = {"certificate": brought(tmp_path, self_signed())["certificate"]}
    assert refused({}, root=root, revoked=["0A"]) == (
        "trust: `revoked` needs the key of the root, to sign: set root.key, or remove it"
    )


@pytest.mark.parametrize("place", ["root", "also_trusted"])
def test_a_root_that_the_meshes_trust_is_not_revoked(tmp_path: Path, place: str) -> None:
    """Its own list would name it, and proxies would refuse every certificate under it."""
    files = brought(tmp_path, self_signed())
    number = revocation.serial_of(Path(files["certificate"]).read_text())
    assert refused({}, **{place: files}, revoked=[number]) == (
        f"trust.revoked: '{number}': is a root that the meshes trust, so every certificate would be refused. Replace "
        "it with `multimesh rotate-root`, and remove this entry"
    )


def test_a_created_root_that_signs_is_not_revoked() -> None:
    authority = self_signed()
    number = revocation.serial_of(authority.certificate)
    stacks = {"test": {"root_ca": authority.certificate, "root_ca_owner": "organization/multimesh/test", "meshes": {}}}
    assert refused(stacks, revoked=[number]).startswith(f"trust.revoked: '{number}': is a root that the meshes trust")


@pytest.mark.parametrize("place", ["root", "also_trusted"])
def test_revocation_is_refused_below_a_root_whose_key_signs_no_list(tmp_path: Path, place: str) -> None:
    _, files = issuing(tmp_path)
    assert refused({}, **{place: files}, revoked=["0A"]) == (
        "trust.revoked: needs a list signed by every CA above the meshes, and the key of a root above an issuing CA is "
        "elsewhere: remove it, or use a root whose key is here"
    )


def test_a_root_above_an_issuing_ca_is_trusted_and_named_by_its_own_key(tmp_path: Path) -> None:
    offline, files = issuing(tmp_path)
    beside = recorded(config(also_trusted=files)).outputs["root_cas"]
    alone = recorded(config(root=files)).outputs["root_cas"]
    assert list(beside.values())[1] == offline.certificate
    assert alone == {list(beside)[1]: offline.certificate}


def test_a_root_whose_key_is_elsewhere_replaces_a_created_one_while_that_stays_trusted(tmp_path: Path) -> None:
    new = self_signed()
    root = {"certificate": brought(tmp_path, new)["certificate"]}
    recording = recorded(config(root=root, also_trusted={"root_generation": 1}))
    assert "root-key" in recording.resources
    assert list(recording.outputs["root_cas"].values()) == [new.certificate, PEM]
