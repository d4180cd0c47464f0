"""Images by digest, as docs/configuration.md has its reader write them, in what Istio's own charts render."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.paths import CHARTS
from lab.stack import CHECKOUT

DIGEST = "@sha256:"


def documented() -> dict[str, Any]:
    document = (CHECKOUT / "docs/configuration.md").read_text()
    block = re.search(r"### Pinned by digest.*?```yaml\n(.*?)```", document, re.DOTALL)
    assert block
    return yaml.safe_load(block[1])["config"]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    values = tmp_path_factory.mktemp("digests") / "values.yaml"
    values.write_text(yaml.safe_dump(documented()["multimesh:istio"]["values"]["istiod"]))
    return objects("istiod", "--values", str(values))


def objects(chart: str, *options: str) -> list[dict[str, Any]]:
    command = ["helm", "template", chart, str(Path(CHARTS) / chart), "--namespace", "istio-system", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [found for found in yaml.safe_load_all(done.stdout) if found]


def test_istiod_runs_the_image_of_the_digest(rendered: list[dict[str, Any]]) -> None:
    images = [
        container["image"]
        for found in rendered
        if found["kind"] == "Deployment"
        for container in found["spec"]["template"]["spec"]["containers"]
    ]
    assert images == [documented()["multimesh:istio"]["values"]["istiod"]["image"]]
    assert DIGEST in images[0]


@pytest.mark.parametrize("container", ["proxy", "proxy_init"])
def test_the_injector_takes_a_proxys_image_with_a_slash_as_it_is(
    rendered: list[dict[str, Any]], container: str
) -> None:
    maps = {found["metadata"]["name"]: found["data"] for found in rendered if found["kind"] == "ConfigMap"}
    injector = maps["istio-sidecar-injector"]
    image = yaml.safe_load(injector["values"])["global"][container]["image"]
    assert DIGEST in image
    named = f"(annotation .ObjectMeta `sidecar.istio.io/proxyImage` .Values.global.{container}.image)"
    templates = yaml.safe_load(injector["config"])["templates"]
    assert f'contains "/" {named}' in templates["sidecar"]
    if container == "proxy":
        assert f'contains "/" {named}' in templates["gateway"]
