"""The API server of a cluster, as its administrator uses it."""

import ssl
from typing import Any

from lab.allocation import Allocation
from lab.http_client import httpx


def client(cluster: Allocation) -> httpx.Client:
    """Return a client that trusts this cluster's CA alone and is its administrator."""
    pki = cluster.folder / "pki"
    context = ssl.create_default_context(cafile=pki / "ca.crt")
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    return httpx.Client(base_url=cluster.server, verify=context, timeout=httpx.Timeout(10, connect=2), trust_env=False)


def unready(client: httpx.Client, path: str) -> str:
    """Return what is wrong with a health endpoint, "" when nothing is."""
    return _fault(client, client.build_request("GET", path))


def node_unready(client: httpx.Client, name: str) -> str:
    """Return why the node cannot run pods, "" when it can."""
    # Asked for first, as the condition may still be that of a kubelet which has ended since.
    if fault := unready(client, f"/api/v1/nodes/{name}/proxy/healthz"):
        return fault
    conditions = client.get(f"/api/v1/nodes/{name}").json()["status"]["conditions"]
    ready = next(condition for condition in conditions if condition["type"] == "Ready")
    return "" if ready["status"] == "True" else f"node {name}: {ready['message']}"


def apply(client: httpx.Client, path: str, manifest: dict[str, Any]) -> str:
    """Apply a manifest on the server side; return why that failed, "" when it did not."""
    parameters = {"fieldManager": "multimesh-lab", "force": "true"}
    headers = {"Content-Type": "application/apply-patch+yaml"}
    return _fault(client, client.build_request("PATCH", path, params=parameters, headers=headers, json=manifest))


def _fault(client: httpx.Client, request: httpx.Request) -> str:
    try:
        response = client.send(request)
    except httpx.HTTPError as error:
        return f"{request.url}: {error}"
    if response.is_success:
        return ""
    lines = response.text.splitlines()
    failed_checks = [line for line in lines if line.startswith("[-]")]
    return f"{request.url}: {response.status_code} {', '.join(failed_checks or lines)}"
