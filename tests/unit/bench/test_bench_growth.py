"""The script that the program is measured against applies the same objects."""

from recording import record

from bench import growth
from components import istio

COUNT = 2


def test_the_script_applies_what_the_program_makes_for_more_services() -> None:
    (first, *_) = names = growth.names(COUNT)
    service = {
        "spec": {
            "clusterIP": "10.0.0.9",
            "selector": {"app": "echo"},
            "ports": [{"name": "http", "port": 80, "targetPort": 8080}],
        }
    }
    settings = {
        "meshes": {mesh: {"cluster": {"kind": "local"}} for mesh in ("east", "west")},
        "services": [{"name": "echo", "namespace": "demo", "port": 80, "service_account": "echo"}]
        + [{"name": name, "namespace": "demo", "port": 80, "service_account": "echo"} for name in names],
    }
    recording = record(settings, {f"demo/{name}": service for name in names})
    addresses = {mesh: f"{mesh}-lab.address" for mesh in ("east", "west")}
    applied = growth.objects("east", names, addresses)

    made = {
        (resource.inputs["kind"], resource.inputs["metadata"]["name"]): resource.inputs["spec"]
        for resource in recording.resources.values()
        if "east" in resource.name and resource.type.rpartition(":")[2] in istio.API_VERSIONS
    }
    for item in applied:
        kind, name = item["kind"], item["metadata"]["name"]
        of_one = name.removesuffix("-callers") in names
        in_program = f"{name.removesuffix('-callers')}.demo{'-callers' if name.endswith('-callers') else ''}"
        assert item["spec"] == made[kind, in_program if of_one else name], f"{kind} {name}"
    assert len(applied) == 2 + 4 * COUNT
    assert ("ServiceEntry", f"{first}.demo") in made
