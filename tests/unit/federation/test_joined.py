"""What a service gets in a mesh that somebody else runs: all in its root namespace, no other port closed."""

from dataclasses import replace

from planned import DOMAINS, EAST, ECHO, WEST, WORKLOADS, called, echo, routes, specs

from components import istio
from components.federation.authorization import authorization
from components.federation.callers import callers
from components.federation.exposure import exposures
from components.federation.plan import placed
from components.mesh.roles import Role
from multimesh.contract import ControlPlane

PLANE = ControlPlane(
    namespace="mesh", root_namespace="mesh-config", revision="stable", gateway="multimesh-gateway", installed=False
)
JOINED = Role("east", "east.mesh", plane=PLANE, federated=["south.mesh", "west.mesh"])
ALLOWED = callers(ECHO.service, DOMAINS)


def test_other_ports_of_the_pods_stay_as_they_were() -> None:
    made = specs(authorization(ECHO, JOINED, ALLOWED))
    admitted, others = made["callers"]["rules"]
    assert admitted["to"] == [{"operation": {"ports": ["8080"]}}]
    assert others["to"] == [{"operation": {"notPorts": ["8080"]}}]


def test_no_other_mesh_reaches_a_port_that_is_not_exported() -> None:
    two = replace(ECHO, workloads={mesh: replace(one, unlisted=[9090]) for mesh, one in WORKLOADS.items()})
    _, unlisted, others = specs(authorization(two, JOINED, ALLOWED))["callers"]["rules"]
    assert unlisted["from"] == [{"source": {"principals": ["east.mesh/*"]}}]
    assert unlisted["to"] == [{"operation": {"ports": ["9090"]}}]
    assert others["from"] == [{"source": {"notPrincipals": ["south.mesh/*", "west.mesh/*"]}}]
    assert others["to"] == [{"operation": {"notPorts": ["8080", "9090"]}}]


def test_pods_that_a_policy_of_the_users_closes_stay_closed() -> None:
    closed = replace(ECHO, workloads={mesh: replace(one, restricted=True) for mesh, one in WORKLOADS.items()})
    assert len(specs(authorization(closed, JOINED, ALLOWED))["callers"]["rules"]) == 1


def test_who_has_no_identity_is_denied_as_no_mesh_wide_policy_does_it() -> None:
    assert "others" in specs(authorization(ECHO, JOINED, ALLOWED))
    assert "others" not in specs(authorization(ECHO, Role("east", "east.mesh"), ALLOWED))


def test_who_reaches_what_is_the_same_as_in_other_meshes() -> None:
    def seen(role: Role) -> list[dict[str, object]]:
        return exposures(ECHO, {"east": authorization(ECHO, role, ALLOWED)}, DOMAINS)

    assert seen(JOINED) == seen(Role("east", "east.mesh")) != []


def test_its_gateway_has_an_account_of_its_own() -> None:
    public = echo(callers=["west"], ingress_hosts=["*"])
    assert "east.mesh/ns/mesh-config/sa/multimesh-gateway" in callers(public.service, DOMAINS, {"east": PLANE})
    assert "east.mesh/ns/istio-system/sa/istio-ingressgateway" in callers(public.service, DOMAINS)


def test_all_that_is_in_istio_system_elsewhere_is_in_its_root_namespace() -> None:
    made = routes(echo(ingress_hosts=["*"]), JOINED, [EAST, WEST])
    moved = [placed(one, PLANE.root_namespace) for one in made]
    assert {one.namespace for one in moved} == {"mesh-config"}
    assert {called(one): one.spec for one in moved}["ingress"]["gateways"] == ["mesh-config/ingress"]
    assert [placed(one, istio.NAMESPACE) for one in made] == made
