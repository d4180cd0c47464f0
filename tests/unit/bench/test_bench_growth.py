"""The script that the program is measured against applies the same objects."""

from recording import record

from bench import growth

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

    made = recording.istio_objects("east")
    for item in applied:
        key = f"{item['kind']} {item['metadata']['namespace']}/{item['metadata']['name']}"
        assert item["spec"] == made[key], key
    assert len(applied) == 2 + 5 * COUNT
    assert f"ServiceEntry istio-system/{first}.demo.global" in made
