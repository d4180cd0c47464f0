"""The CA of a control plane that somebody else runs: below the stack's root, or refused with the reason."""

import pytest
from authorities import Authority, root

from components.trust.found_ca import Certificates

ROOT, OTHER = root(), root()
NORTH = ROOT.below("north", path_length=0)


def faults(certificates: Certificates, of: Authority | None = ROOT) -> list[str]:
    return list(certificates.faults(of and of.certificate, "shop.example"))


def plugged(ca: Authority, *above: Authority, given: Authority = ROOT) -> Certificates:
    return Certificates(given.certificate, ca.certificate, "".join(one.certificate for one in (ca, *above)))


def test_a_ca_that_the_stacks_root_signed_is_taken() -> None:
    assert faults(plugged(NORTH, ROOT)) == []
    assert faults(Certificates(OTHER.certificate + ROOT.certificate, NORTH.certificate)) == [], "of two roots"


def test_another_root_is_refused_with_both_fingerprints() -> None:
    [line] = faults(plugged(OTHER.below("north"), given=OTHER))
    assert line.startswith("gives its proxies the root ")
    assert ", and the stack has " in line


def test_a_root_that_does_not_exist_yet_cannot_have_signed_it() -> None:
    [line] = faults(plugged(NORTH), None)
    assert line.endswith("and the stack is yet to make one")


@pytest.mark.parametrize(
    ("certificates", "why"),
    [
        (Certificates(""), "gives its proxies a root that is not a PEM certificate"),
        (Certificates(ROOT.certificate), "signs with a CA that it made itself"),
        (plugged(OTHER.below("north")), "signs with a CA that ends at 'CN=north', and the CA that signed it"),
        (plugged(ROOT.below("north", days=(-9, -1))), "has 'CN=north', which expired"),
    ],
)
def test_a_ca_that_other_meshes_would_not_believe_is_refused(certificates: Certificates, why: str) -> None:
    assert any(why in line for line in faults(certificates))


def test_a_ca_without_name_constraints_is_not_confined() -> None:
    assert not plugged(NORTH).confined()
