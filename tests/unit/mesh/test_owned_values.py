"""Helm values of the user's: what multimesh decides is refused by path, and what it does not is honoured."""

from typing import Any

import pytest
from recording import record
from stack_settings import LOCAL, MESHES, existing, other

from components import preflight, settings
from components.mesh import owned_values

TRUST_DOMAIN = "is decided by multimesh: set trust_domain of the mesh, or topology.trust_domain of a single mesh"
PORTS = "15021 (status-port), 80 (http2), 15443 (tls), 15012 (tls-istiod), 15017 (tls-webhook)"


def nested(path: str, value: Any) -> dict[str, Any]:
    keys = owned_values._keys(path)
    for key in reversed(keys):
        value = {key: value}
    return value


def stack(values: dict[str, Any]) -> dict[str, Any]:
    """Return a stack with these Helm values, and with every chart."""
    return other(istio={"values": values}) | {"meshes": dict.fromkeys(MESHES, LOCAL | {"istio": {"cni": True}})}


def refused(path: str, value: Any) -> list[str]:
    with pytest.raises(settings.SettingsError) as caught:
        settings.validate(stack(nested(path, value)))
    return [line.removeprefix("  multimesh:istio.values.") for line in str(caught.value).splitlines()[1:]]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("istiod.meshConfig.trustDomain", "cluster.local", f"'cluster.local': {TRUST_DOMAIN}"),
        (
            "istiod.global.proxy.clusterDomain",
            "k8s.example",
            "'k8s.example': is decided by multimesh: set cluster.dns_domain of the mesh",
        ),
        ("istiod.revision", "canary", "'canary': is decided by multimesh: set istio.revision of the mesh"),
        ("istiod.env.PILOT_SKIP_VALIDATE_TRUST_DOMAIN", "false", "'false': is decided by multimesh: name the"),
        ("istiod.global.multiCluster.clusterName", "here", "'here': is decided by multimesh: name the mesh in meshes"),
        ("istiod.global.network", "n", "'n': is decided by multimesh: set topology"),
        ("istiod.global.caAddress", "ca:443", "'ca:443': is decided by multimesh: set trust"),
        ("istiod.meshConfig", None, "null: must be a mapping, as multimesh sets values in it"),
        ("gateway.labels.istio", "gw", "'gw': is decided by multimesh: remove it"),
        ("gateway.labels.topology.istio.io/network", "n", "'n': is decided by multimesh: set topology"),
        ("gateway.name", "gw", "'gw': is decided by multimesh: remove it"),
        (
            "istiod.pilot.revision",
            "canary",
            "'canary': is decided by multimesh: set istio.revision of the mesh",
        ),
        ("istiod.pilot.env.PILOT_SKIP_VALIDATE_TRUST_DOMAIN", "a", "'a': is decided by multimesh: name the identities"),
        ("istiod.pilot.cni.enabled", False, "false: is decided by multimesh: set istio.cni of each mesh"),
        ("cni.cni.revision", "canary", "'canary': is decided by multimesh: set istio.revision of the mesh"),
        (
            "istiod.pilot.extraContainerArgs",
            [],
            "is decided by multimesh: set istio.values.istiod.extraContainerArgs",
        ),
        ("gateway.global.service.ports", [], "is decided by multimesh: set istio.values.gateway.service.ports"),
        ("gateway.global.name", "gw", "'gw': is decided by multimesh: remove it"),
        ("gateway.service.type", "ClusterIP", "'ClusterIP': is decided by multimesh: set cluster.gateway of the mesh"),
        ("gateway.service.ports", {}, "must be a list of ports that the gateway's Service has in addition"),
        ("gateway.volumes", {}, "must be a list, which is added to that of multimesh"),
        ("gateway.volumeMounts", "mine", "'mine': must be a list, which is added to that of multimesh"),
        ("istiod.extraContainerArgs", "--a", "'--a': must be a list, which is added to that of multimesh"),
        ("istiod._internal_defaults_do_not_set", {"revision": "a"}, "set the values without this key"),
    ],
)
def test_what_multimesh_decides_is_refused_by_path(path: str, value: Any, message: str) -> None:
    [line] = refused(path, value)
    assert line.startswith(f"{path}: {message}")


@pytest.mark.parametrize("path", owned_values._OWNED)
def test_every_value_that_multimesh_decides_is_refused(path: str) -> None:
    [line] = refused(path, ["another"])
    assert line.startswith(f"{path}: is decided by multimesh: ")


@pytest.mark.parametrize(
    ("port", "where", "message"),
    [
        ({"port": 9000}, "[0]", "must be a mapping with name and port"),
        ({"name": "a", "port": "9000"}, "[0]", "must be a mapping with name and port"),
        (9000, "[0]", "9000: must be a mapping with name and port"),
        ({"name": "a", "port": 15443}, "[0].port", f"15443: clashes with a port of multimesh: {PORTS}"),
        ({"name": "tls", "port": 9000}, "[0].port", f"9000: clashes with a port of multimesh: {PORTS}"),
        ({"name": "http2", "port": 80, "targetPort": 8080}, "[0].targetPort", "8080: must be 80, or remove the port"),
    ],
)
def test_a_port_that_clashes_is_refused(port: Any, where: str, message: str) -> None:
    assert refused("gateway.service.ports", [port]) == [f"gateway.service.ports{where}: {message}"]


@pytest.mark.parametrize(
    "path",
    [path for path, (_, same) in owned_values._OWNED.items() if same is not owned_values._NONE],
)
def test_a_value_that_changes_nothing_is_taken(path: str) -> None:
    settings.validate(stack(nested(path, owned_values._OWNED[path][1])))


def test_more_ports_of_the_gateway_are_added_to_those_of_multimesh() -> None:
    ours = [{"name": "status-port", "port": 15021}, {"name": "tls", "port": 15443, "targetPort": 15443}]
    theirs = [{"name": "tcp-mail", "port": 25, "targetPort": 2525}, {"name": "https", "port": 443}]
    values = nested("gateway.service", {"ports": [*ours, *theirs], "annotations": {"a": "b"}})
    stack = {"meshes": MESHES, "istio": {"values": values}}
    service = record(stack)["east-gateway"].inputs["values"]["service"]
    assert [port["port"] for port in service["ports"]] == [80, 15443, 15021, 25, 443]
    assert service["ports"][2:] == [ours[0], *theirs]
    assert service["annotations"] == {"a": "b"}


NOT_OWNED = [
    ("istiod", "meshConfig", "defaultConfig", "proxyMetadata", "ECC_SIGNATURE_ALGORITHM"),
    ("istiod", "meshConfig", "defaultConfig", "proxyStatsMatcher"),
    ("istiod", "global", "proxy", "readinessPeriodSeconds"),
    ("istiod", "extraContainerArgs"),
    ("istiod", "env", "PILOT_SCOPE_GATEWAY_TO_NAMESPACE"),
    ("gateway", "service", "ports"),
    ("gateway", "volumes"),
    ("gateway", "volumeMounts"),
]
"""What multimesh sets and users may overrule, or add to."""


@pytest.mark.parametrize(
    "topology",
    [
        {"kind": "multi-mesh"},
        {"kind": "single-mesh", "network": "gateways"},
        {"kind": "single-mesh", "network": "gateways", "control_plane": "one", "primary": "east"},
    ],
)
def test_what_multimesh_sets_is_what_it_refuses(topology: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "check", lambda _settings: None)
    gateway = {"service": "NodePort", "address": "192.0.2.1"}
    clusters = {mesh: existing(gateway=gateway)["meshes"]["east"] for mesh in MESHES}
    recording = record({"meshes": clusters, "topology": topology})
    known = [*map(owned_values._keys, owned_values._OWNED), *NOT_OWNED]
    for mesh in MESHES:
        for chart in ("istiod", "gateway"):
            for path in leaves({chart: recording[f"{mesh}-{chart}"].inputs["values"]}):
                assert any(path[: len(keys)] == keys for keys in known), path


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the paths of all values in a mapping that are no mappings."""
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]
    return [path]
