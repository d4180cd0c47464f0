"""Who will be able to reach what, by the objects of a mesh."""

from planned import DOMAINS, EAST, ECHO, WEST, WORKLOADS, echo, of_ports

from components.federation.authorization import authorization
from components.federation.availability import AvailableService
from components.federation.callers import callers
from components.federation.exposure import Exposure, changes, exposures
from components.federation.plan import PlannedObject
from components.federation.routes import Routes
from components.federation.workload import Workload
from components.mesh.roles import Role
from components.ports import Port

ROLE = Role("east", "east.mesh")


def lines(service: AvailableService) -> list[str]:
    """Who reaches the service in east, a line each."""
    planned = [*Routes(service, [EAST, WEST]).in_mesh(ROLE), *policies(service)]
    return of(service, planned)


def policies(service: AvailableService) -> list[PlannedObject]:
    return authorization(service, ROLE, callers(service.service, DOMAINS))


def of(service: AvailableService, planned: list[PlannedObject]) -> list[str]:
    return [line.removeprefix("+ ") for line in changes([], exposures(service, {"east": planned}, DOMAINS))]


def test_every_caller_has_a_line() -> None:
    assert lines(ECHO) == [
        "east (any identity) -> echo.demo:80 in east",
        "south (any identity) -> echo.demo:80 in east",
        "west (any identity) -> echo.demo:80 in east",
    ]


def test_where_only_some_may_call_the_own_mesh_has_no_line() -> None:
    assert lines(echo(callers=["west", "south/ns/shop/sa/web", "south/ns/shop"])) == [
        "south/ns/shop/* -> echo.demo:80 in east",
        "south/ns/shop/sa/web -> echo.demo:80 in east",
        "west (any identity) -> echo.demo:80 in east",
    ]


def test_a_service_without_callers_is_reached_by_nobody() -> None:
    assert lines(echo(callers=[])) == []


def test_each_port_has_its_lines() -> None:
    found = lines(of_ports(Port(80, "http"), Port(5432, "tcp")))
    assert [line for line in found if line.startswith("west")] == [
        "west (any identity) -> echo.demo:5432 in east",
        "west (any identity) -> echo.demo:80 in east",
    ]


def test_requests_from_outside_have_a_line_for_each_host() -> None:
    [found] = [line for line in lines(echo(ingress_hosts=["shop.example"])) if line.startswith("anybody")]
    assert found == "anybody -> echo.demo as shop.example in east"


def test_a_mesh_that_does_not_export_has_no_line() -> None:
    elsewhere = AvailableService(ECHO.service, ECHO.ports, {"west": WORKLOADS["west"]})
    assert of(elsewhere, policies(elsewhere)) == []


def test_a_renderer_that_opens_a_port_and_denies_nobody_shows() -> None:
    opened = [one for one in policies(ECHO) if one.kind == "EnvoyFilter"]
    assert "any workload of the root -> echo.demo:80 in east" in of(ECHO, opened)


def test_a_policy_that_excepts_everybody_shows() -> None:
    denial, opened = policies(ECHO)
    [rule] = denial.spec["rules"]
    everybody = rule | {"from": [{"source": {"notPrincipals": ["*"]}}]}
    mutant = PlannedObject(denial.kind, denial.namespace, denial.name, denial.spec | {"rules": [everybody]})
    assert "any workload of the root -> echo.demo:80 in east" in of(ECHO, [mutant, opened])


def test_without_the_filter_that_opens_its_port_peers_have_no_line() -> None:
    assert of(ECHO, policies(ECHO)[:1]) == ["east (any identity) -> echo.demo:80 in east"]


def test_a_policy_of_another_port_of_the_pods_admits_nobody() -> None:
    admin = AvailableService(ECHO.service, ECHO.ports, {"east": Workload({"app": "echo"}, {80: "http"}, {80: [9999]})})
    planned = policies(ECHO)
    assert of(admin, planned) == ["east (any identity) -> echo.demo:80 in east"]


def entry(callers: list[str], meshes: list[str], service: str = "echo.demo:80") -> Exposure:
    return {"callers": callers, "service": service, "meshes": meshes}


def test_what_comes_and_what_goes_is_told_and_what_stays_is_not() -> None:
    before, after = [entry(["a", "b"], ["east"])], [entry(["b", "c"], ["east", "west"])]
    assert changes(before, after) == [
        "+ b -> echo.demo:80 in west",
        "+ c -> echo.demo:80 in east",
        "+ c -> echo.demo:80 in west",
        "- a -> echo.demo:80 in east",
    ]
    assert changes(before, before) == []


def test_many_changes_are_counted() -> None:
    found = changes([], [entry([str(number) for number in range(50)], ["east"])])
    assert len(found) == 21
    assert found[-1] == "+ 30 more"


def test_meshes_with_the_same_callers_are_one_entry() -> None:
    planned = policies(ECHO)
    [found] = exposures(ECHO, {"east": planned, "west": planned}, DOMAINS)
    assert found["meshes"] == ["east", "west"]


def test_a_mesh_that_changes_its_trust_domain_has_one_line() -> None:
    changing = DOMAINS | {"west": ["west.mesh", "shop.example"]}
    planned = authorization(ECHO, ROLE, callers(ECHO.service, changing))
    assert exposures(ECHO, {"east": planned}, changing) == exposures(ECHO, {"east": policies(ECHO)}, DOMAINS)
