"""The names of the keys of a mesh's CA: each key has one of its own, also where a long name is cut."""

import pytest
from authorities import new_key, pem, request
from authorities import root as self_signed

from components.trust import mesh_key, revocation, signing

LONG = "a" * 63
"""As long as a label may be."""


@pytest.mark.parametrize("mesh", ["east", "a" * 54, "a" * 55, LONG])
def test_each_key_of_a_mesh_has_a_name_of_its_own(mesh: str) -> None:
    names = [mesh_key.common_name(mesh, number) for number in (1, 2, 3, 12, 1_000_000)]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 64
    assert all(mesh_key.is_common_name(name, mesh) for name in names)


@pytest.mark.parametrize("name", ["multimesh 2 east", "multimesh easter", "multimesh", "east", "multimesh x west"])
def test_another_name_is_not_of_a_ca_of_the_mesh(name: str) -> None:
    assert not mesh_key.is_common_name(name, "west")


def test_the_lists_of_a_mesh_with_long_names_are_its_own() -> None:
    key, authority, domain = new_key(), self_signed(), f"{LONG}.{LONG}.example"
    asked = signing.request(pem(key), mesh_key.common_name(LONG, 2), [domain])
    lists = revocation.of_ca(asked, pem(key), authority.certificate, [f"b.{domain}"])
    assert len(revocation.split(lists)) == 2
    assert revocation.of_meshes(lists, [LONG]) == lists
    assert revocation.of_meshes(lists, ["east"]) == ""


def test_a_list_of_somebody_is_no_list_of_a_mesh() -> None:
    key, authority = new_key(), self_signed()
    lists = revocation.of_ca(request(key, "multimesh 2 east"), pem(key), authority.certificate, [])
    assert revocation.of_meshes(lists, ["west"]) == ""
