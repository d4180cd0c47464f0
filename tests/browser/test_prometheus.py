"""The scrape settings and the dashboard of docs/prometheus, with a real Prometheus and a real Envoy.

Debian's Prometheus is built without Kubernetes discovery: the test gives it the labels that discovery would.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

DOCS = Path(__file__).parents[2] / "docs/prometheus"
DASHBOARD: dict[str, Any] = json.loads((DOCS / "dashboard.json").read_text())
QUERIES = {panel["title"]: target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]}
REQUESTS = 300
CLUSTERS = ("outbound|80||echo.demo.global", "outbound|80||other.demo.svc.cluster.local")
POD = {"container_port_name": "http-envoy-prom", "namespace": "demo", "name": "echo-1"}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def envoy(admin: int, port: int) -> dict[str, Any]:
    """The configuration of an Envoy that names its clusters and their metrics as Istio does, and calls itself."""
    typed = "type.googleapis.com/envoy.extensions.filters"

    def address(number: int) -> dict[str, Any]:
        return {"address": {"socket_address": {"address": "127.0.0.1", "port_value": number}}}

    routes = [
        {"match": {"prefix": f"/{place}"}, "route": {"cluster": name, "prefix_rewrite": "/ready"}}
        for place, name in enumerate(CLUSTERS)
    ]
    manager = {
        "@type": f"{typed}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "test",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{typed}.http.router.v3.Router"}}
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {
        "admin": address(admin),
        # https://github.com/istio/istio/blob/master/tools/packaging/common/envoy_bootstrap.json
        "stats_config": {
            "use_all_default_tags": False,
            "stats_tags": [{"tag_name": "cluster_name", "regex": r"^cluster(\.(.+);)"}],
        },
        "static_resources": {
            "listeners": [{**address(port), "filter_chains": [chain]}],
            "clusters": [
                {
                    "name": name,
                    "alt_stat_name": f"{name};",
                    "type": "STATIC",
                    "load_assignment": {
                        "cluster_name": name,
                        "endpoints": [{"lb_endpoints": [{"endpoint": address(admin)}]}],
                    },
                }
                for name in CLUSTERS
            ],
        },
    }


@pytest.fixture(scope="module")
def scrape(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, int]:
    """The committed scrape settings with a target in place of discovery, and Envoy's two ports."""
    admin, port = free_port(), free_port()
    settings = yaml.safe_load((DOCS / "scrape.yaml").read_text())
    settings["global"]["scrape_interval"] = "1s"
    [job] = settings["scrape_configs"]
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
    labels = {f"__meta_kubernetes_pod_{name}": value for name, value in POD.items()}
    labels["__meta_kubernetes_namespace"] = labels.pop("__meta_kubernetes_pod_namespace")
    other = labels | {"__meta_kubernetes_pod_container_port_name": "http"}
    target = [f"127.0.0.1:{admin}"]
    job["static_configs"] = [{"targets": target, "labels": one} for one in (labels, other)]
    path = tmp_path_factory.mktemp("prometheus") / "prometheus.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path, admin, port


@pytest.fixture(scope="module")
def prometheus(scrape: tuple[Path, int, int]) -> Iterator[httpx.Client]:
    """A Prometheus that has scraped an Envoy before and after its requests."""
    path, admin, port = scrape
    listen = free_port()
    configured = path.with_name("envoy.json")
    configured.write_text(json.dumps(envoy(admin, port)))
    program = str(Path(sys.executable).with_name("envoy"))
    web = f"--web.listen-address=127.0.0.1:{listen}"
    commands = [
        [program, "--config-path", str(configured), "--use-dynamic-base-id", "--log-level", "error"],
        ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={path.parent}", web, "--log.level=error"],
    ]
    with ExitStack() as cleanup:
        for command in commands:
            cleanup.callback(cleanup.enter_context(subprocess.Popen(command)).terminate)
        client = cleanup.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{listen}"))
        until(lambda: httpx.get(f"http://127.0.0.1:{port}/0").is_success)
        httpx.get(f"http://127.0.0.1:{port}/1")
        until(lambda: series(client, "envoy_cluster_upstream_rq_time_count"))
        for _ in range(REQUESTS):
            httpx.get(f"http://127.0.0.1:{port}/0")
        until(lambda: float(series(client, "envoy_cluster_upstream_rq_time_count")[0]["value"][1]) > REQUESTS)
        yield client


def until(seen: Any, seconds: float = 30) -> None:
    """Look until it is seen. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if seen():
                return
        except (httpx.HTTPError, IndexError):
            pass
        time.sleep(0.2)
    raise TimeoutError


def series(client: httpx.Client, query: str) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/query", params={"query": query}).json()
    assert answer["status"] == "success", answer
    return answer["data"]["result"]


def test_promtool_finds_nothing_wrong(scrape: tuple[Path, int, int]) -> None:
    done = subprocess.run(["promtool", "check", "config", str(scrape[0])], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_port_of_envoy_is_scraped_and_no_other(prometheus: httpx.Client) -> None:
    targets = prometheus.get("/api/v1/targets").json()["data"]
    [active] = targets["activeTargets"]
    assert active["labels"].items() >= {"mesh": "east", "namespace": "demo", "pod": "echo-1"}.items()


def test_an_exported_service_has_its_name_and_port(prometheus: httpx.Client) -> None:
    found = series(prometheus, 'envoy_cluster_upstream_rq_time_count{service="echo.demo"}')
    assert [(one["metric"]["port"], one["metric"]["mesh"]) for one in found] == [("80", "east")]


@pytest.mark.parametrize("title", QUERIES)
def test_every_panel_shows_numbers(prometheus: httpx.Client, title: str) -> None:
    query = QUERIES[title].replace("$service", "echo.*").replace("$mesh", "east")
    [found] = series(prometheus, query)
    assert found["metric"] == {"service": "echo.demo", "mesh": "east"}
    value = float(found["value"][1])
    assert 0 <= value < 1000
    if title == "Answers a second":
        assert value > 1


@pytest.fixture(scope="module")
def grafana(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that reads dashboards by Grafana's own types."""
    program = tmp_path_factory.mktemp("grafana") / "grafana"
    build = ["go", "build", "-o", str(program), "."]
    subprocess.run(build, cwd=Path(__file__).parent / "grafana", env=os.environ | {"CGO_ENABLED": "0"}, check=True)
    return program


def refusal(grafana: Path, dashboard: str) -> str:
    """Return what is wrong with a dashboard; empty if nothing is."""
    return subprocess.run([grafana], input=dashboard, capture_output=True, text=True, check=False).stderr.strip()


def test_the_dashboard_is_as_grafanas_types_are(grafana: Path) -> None:
    assert refusal(grafana, (DOCS / "dashboard.json").read_text()) == ""


@pytest.mark.parametrize("field", ["schemaVersion", "showLegend", "legendFormat", "allValue"])
def test_a_misspelled_field_of_the_dashboard_would_be_found(grafana: Path, field: str) -> None:
    assert f"x{field}" in refusal(grafana, (DOCS / "dashboard.json").read_text().replace(f'"{field}"', f'"x{field}"'))
