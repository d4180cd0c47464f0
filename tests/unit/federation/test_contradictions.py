"""What stacks of one federation say against each other, and what of a peer's outputs is refused."""

from typing import Any

import pytest
from certificates import root
from cryptography.hazmat.primitives.asymmetric import ec
from peer_stacks import EXPORT, PEM, TRUST, config, outputs, refused, west
from recording import recorded

from components.federation import contradictions
from components.federation.contradictions import Claims
from components.settings import SettingsError
from components.trust.ca import fingerprint

OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = root(OTHER_KEY, 3650)


@pytest.mark.parametrize(
    ("peer", "message"),
    [
        (outputs(meshes={"east": west()}), "stacks test and west both have a mesh east"),
        (
            outputs(meshes={"west": west() | {"trust_domain": "east.mesh"}}),
            "stacks test and west both have the trust domain east.mesh (meshes east and west)",
        ),
        (outputs(suffix="local"), "stacks test and west have different suffixes: global and local"),
        (
            outputs(meshes={"west": west(echo_demo_global=EXPORT | {"port": 8080})}),
            "stacks test and west export echo.demo.global at different ports: 80 and 8080",
        ),
        (
            outputs(root_ca=OTHER),
            f"stacks test and west have different root CAs: {fingerprint(PEM)} and {fingerprint(OTHER)}. "
            "Let one stack issue the other's CAs: set `trust.stack`",
        ),
    ],
)
def test_a_contradiction_is_refused_with_the_names_of_both_stacks(peer: dict[str, Any], message: str) -> None:
    assert f"peers: {message}" in refused(peer)


def test_a_root_that_is_yet_to_be_made_cannot_be_a_peers() -> None:
    (line,) = refused(trust={})  # the mock's stack `test` has no outputs
    assert line.startswith("peers: stacks test and west have different root CAs: one that is not created yet and ")


def test_the_root_that_the_stack_has_is_compared() -> None:
    own = {"root_ca": OTHER, "root_ca_owner": "organization/multimesh/test"}
    stacks = {"west": outputs(root_ca=OTHER), "test": own}
    assert recorded(config(trust={}), stacks=stacks).outputs["services"]["echo.demo.global"]["west"] == 3


def test_a_root_that_was_renewed_is_the_same_for_a_peer_that_has_it_not_yet() -> None:
    own = {"root_ca": root(OTHER_KEY, 7300), "root_ca_owner": "organization/multimesh/test"}
    stacks = {"west": outputs(root_ca=OTHER), "test": own}
    assert recorded(config(trust={}), stacks=stacks).outputs["services"]["echo.demo.global"]["west"] == 3


@pytest.mark.parametrize("more", [{}, {"root_cas": {"created-1": PEM}}], ids=["of an earlier version", "of this one"])
def test_a_root_of_another_stack_is_not_the_one_that_this_stack_would_make(more: dict[str, Any]) -> None:
    had = {"root_ca": PEM, "root_ca_owner": "organization/multimesh/trust", **more}
    with pytest.raises(
        SettingsError, match=r"this root yet, .* that of stack organization/multimesh/trust: restore trust\.stack"
    ):
        recorded(config(trust={}), stacks={"west": outputs(), "test": had})


@pytest.mark.parametrize(
    ("trust", "owner"), [({}, "organization/multimesh/test"), ({"stack": "trust"}, "organization/multimesh/trust")]
)
def test_whose_the_root_is_can_be_read(trust: dict[str, Any], owner: str) -> None:
    assert recorded(config(trust=trust, peers=[]), stacks={"trust": TRUST}).outputs["root_ca_owner"] == owner


def test_peers_that_contradict_each_other_are_refused() -> None:
    one = Claims("one", "global", PEM, [], {"a": ["a.mesh"]}, {})
    other = Claims("other", "global", PEM, [], {"a": ["b.mesh"]}, {})
    assert contradictions.between([one, other]) == ["multimesh:peers: stacks one and other both have a mesh a"]


def test_outputs_of_another_program_are_refused() -> None:
    (line,) = refused({"meshes": {"west": {"gateway_address": "a"}}, "suffix": "global", "root_ca": PEM})
    assert line.startswith("peers: 'west': its outputs are not those of a multimesh stack: meshes.west.")
    (line,) = refused(outputs(root_ca="AB:CD"))
    assert line.startswith("peers: 'west': its outputs are not those of a multimesh stack: root_ca: ")


@pytest.mark.parametrize(
    ("listed", "line"),
    [
        (["test"], "peers[0]: 'test': must not be this stack itself"),
        (
            ["organization/multimesh/test"],
            "peers[0]: 'organization/multimesh/test': must not be this stack itself",
        ),
        (
            ["west", "organization/multimesh/west"],
            "peers[1]: 'organization/multimesh/west': must be listed only once",
        ),
    ],
)
def test_a_stack_is_a_peer_once_and_not_its_own(listed: list[str], line: str) -> None:
    assert line in refused(peers=listed)
