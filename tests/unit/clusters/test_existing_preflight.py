"""Where an existing cluster's pods get their addresses: asked of its nodes."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import api_server
import pytest
from api_server import serving

from components.clusters.existing import preflight
from components.clusters.existing.settings import ExistingClusterSettings
from components.clusters.kubeconfig import KubeconfigError

NODES = [{"podCIDR": "10.1.1.0/24", "podCIDRs": ["10.1.1.0/24", "fd00::/64"]}, {"podCIDRs": ["10.1.2.0/24"]}, {}]


class Nodes(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert self.path == "/api/v1/nodes"
        items = [{"metadata": {"name": f"node-{index}"}, "spec": spec} for index, spec in enumerate(NODES)]
        body = json.dumps({"kind": "NodeList", "apiVersion": "v1", "metadata": {}, "items": items}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def kubeconfig() -> Iterator[str]:
    with serving(Nodes) as address:
        yield api_server.kubeconfig(f"http://{address}")


def test_a_user_who_may_not_list_nodes_is_told_so() -> None:
    class Refusing(Nodes):
        def do_GET(self) -> None:
            self.send_response(403)
            self.end_headers()

    with serving(Refusing) as address:
        config = api_server.kubeconfig(f"http://{address}")
        cluster = ExistingClusterSettings.model_validate({"kind": "existing", "kubeconfig": config})
        with pytest.raises(KubeconfigError, match="answers 403 Forbidden: its user needs the right to list nodes"):
            preflight.pod_cidrs(cluster)


def test_an_existing_cluster_has_the_pod_cidrs_of_its_nodes(kubeconfig: str) -> None:
    cluster = ExistingClusterSettings.model_validate({"kind": "existing", "kubeconfig": kubeconfig})
    assert preflight.pod_cidrs(cluster) == ["10.1.1.0/24", "10.1.2.0/24", "fd00::/64"]
