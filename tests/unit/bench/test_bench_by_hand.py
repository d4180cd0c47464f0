"""The script that the program is measured against makes the same objects for the sample."""

import re
from pathlib import Path

import yaml
from recording import recorded

OBJECTS = Path(__file__).parents[3] / "bench/objects.yaml"
FILLED = {
    "MESH": "east",
    "EAST_ADDRESS": "echo.demo.svc.cluster.local.",
    "EAST_PORT": "80",
    "WEST_ADDRESS": "west-lab.address",
    "WEST_PORT": "31443",
}


def test_the_script_applies_what_the_program_makes_for_the_sample() -> None:
    local = {"cluster": {"kind": "local"}}
    echo = {"name": "echo", "namespace": "demo", "port": 80, "ingress_hosts": ["*"], "service_account": "echo"}
    weights = {"east": 50, "west": 50}
    made = recorded({"meshes": {"east": local, "west": local}, "services": [echo | {"meshes": weights}]})
    text = re.sub(r"@([A-Z_]+)@", lambda word: FILLED[word[1]], OBJECTS.read_text())
    applied = {
        f"{one['kind']} {one['metadata']['namespace']}/{one['metadata']['name']}": one["spec"]
        for one in yaml.safe_load_all(text)
    }
    assert applied == made.istio_objects("east")


def test_the_script_fills_in_what_differs_between_meshes() -> None:
    assert set(re.findall(r"@([A-Z_]+)@", OBJECTS.read_text())) == FILLED.keys()
