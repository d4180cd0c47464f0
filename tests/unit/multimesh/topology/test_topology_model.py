"""What is read from outputs for the picture."""

import pytest
from drawn_stacks import exposure, outputs
from recording import recorded

from multimesh.contract import VerifyOutputs
from multimesh.topology.model import Mesh, Service, as_json, topology
from multimesh.topology.rows import Row, callers, outside, place, preference, rows

NAME = "service-000.shop.global"
SHORT = "service-000.shop"


def service(**given: object) -> Service:
    return topology(outputs(2, 1, **given)).services[0]


def test_a_mesh_is_told_with_its_gateway_its_entrance_and_its_ca() -> None:
    assert topology(outputs()).meshes[0] == Mesh(
        "mesh-00",
        "",
        "gke",
        "mesh-00.mesh",
        "mesh-00.example:15443",
        ["http://mesh-00.example/"],
        "mesh-00",
        "2027-11-25",
    )


def test_a_mesh_of_another_stack_is_told_with_its_stack() -> None:
    gateway = {"gateway_address": "192.0.2.9", "gateway_port": 31443, "trust_domain": "peer.mesh"}
    peers = {"peer": {"stack": "organization/shop/peer", **gateway}}
    (found,) = (mesh for mesh in topology(outputs(peers=peers)).meshes if mesh.stack)
    assert found == Mesh("peer", "organization/shop/peer", "", "peer.mesh", "192.0.2.9:31443", [], "peer", "")


def test_a_peer_of_which_an_earlier_version_told_the_weight_alone_is_there() -> None:
    found = topology(outputs(services={NAME: {"mesh-00": 1, "peer": 1}}))
    assert [(mesh.name, mesh.stack, mesh.gateway) for mesh in found.meshes][-1] == ("peer", "not known", "")


def test_callers_are_told_by_mesh_whoever_their_mesh_shares_a_trust_domain_with() -> None:
    found = service(
        exposure=[
            exposure(f"{SHORT}:80", "mesh-00, mesh-01 (any identity)", "any workload of the root"),
            exposure(f"{SHORT}:81", "mesh-01/ns/shop/sa/web", "old.mesh/ns/shop/sa/web"),
            exposure(f"{SHORT}0:82", "mesh-00 (any identity)"),
        ]
    )
    assert found.callers == {"mesh-00": ["*"], "mesh-01": ["*"]}
    assert found.others == ["any workload of the root", "old.mesh/ns/shop/sa/web"]
    assert found.ports == {80: "http", 81: None}


def test_hosts_outside_all_meshes_are_those_of_the_ingress() -> None:
    assert service(exposure=[exposure(f"{SHORT} as *.shop.example", "anybody")]).hosts == ["*.shop.example"]
    assert outside(service(exposure=[exposure(f"{SHORT} as *", "anybody")])) == "from outside: any host"


def test_who_may_call_a_service_of_other_stacks_is_not_known() -> None:
    found = topology(outputs(exposure=[]))
    assert callers(found.services[0], found.meshes) == "called as its own stack says"


def test_one_control_plane_is_that_of_the_primary() -> None:
    form = {"kind": "single-mesh", "network": "flat", "primary": "mesh-01"}
    found = topology(outputs(one_mesh=True, topology=form))
    assert {mesh.control_plane for mesh in found.meshes} == {"mesh-01"}
    assert (found.one_mesh, found.network) == (True, "flat")


@pytest.mark.parametrize(
    ("prefer", "weights", "places", "said"),
    [
        ("weights", (3, 1), ("75 %", "25 %"), ""),
        ("local", (1, 1), ("50 %", "50 %"), "own mesh first"),
        (["mesh-01", "mesh-00"], (1, 1), ("2nd", "1st"), "mesh-01 first, then mesh-00"),
        (["mesh-01"], (1, 1), ("2nd", "1st"), "mesh-01 first"),
        ("weights", (1, 0), ("100 %", "0 %"), ""),
        (["mesh-00"], (0, 1), ("0 %", "1st"), "mesh-00 first"),
    ],
)
def test_a_mesh_has_its_share_or_its_place_in_the_order(
    prefer: object, weights: tuple[int, int], places: tuple[str, str], said: str
) -> None:
    found = service(
        services={NAME: dict(zip(("mesh-00", "mesh-01"), weights, strict=True))}, preferences={NAME: prefer}
    )
    assert (place(found, "mesh-00"), place(found, "mesh-01")) == places
    assert preference(found) == said


def test_of_many_services_those_that_are_alike_share_a_row() -> None:
    found = topology(outputs(20, 100)).services
    grouped = rows(found)
    assert len(grouped) == 20
    assert grouped[0].name == "5 services in shop"
    assert grouped[0].about == "service-000, service-020, service-040, ..."
    assert sorted(one.name for row in grouped for one in row.services) == [one.name for one in found]


def test_few_services_have_a_row_each_though_they_are_alike() -> None:
    found = topology(outputs(1, 24)).services
    assert rows(found) == [Row([one]) for one in found]


def test_the_order_of_outputs_changes_nothing() -> None:
    one = outputs(3, 5)
    turned = VerifyOutputs.model_validate(
        one.model_dump()
        | {name: dict(reversed(getattr(one, name).items())) for name in ("meshes", "services", "probes")}
        | {"exposure": list(reversed(one.exposure or ()))}
    )
    assert as_json(topology(turned)) == as_json(topology(one))


def test_what_the_program_writes_is_all_there() -> None:
    local = {"cluster": {"kind": "local"}}
    echo = {"name": "echo", "namespace": "demo", "port": 80, "service_account": "echo", "ingress_hosts": ["*"]}
    written = recorded({"meshes": {"east": local, "west": local}, "services": [{**echo, "prefer": "local"}]}).outputs
    found = topology(VerifyOutputs.model_validate(written))
    assert [(mesh.cluster, mesh.ca_expires) for mesh in found.meshes] == [("local", "2036-01-01")] * 2
    assert found.services == [
        Service(
            "echo.demo.global",
            {80: "http"},
            {"east": 1, "west": 1},
            "local",
            {"east": ["*"], "west": ["*"]},
            [],
            ["*"],
        )
    ]
