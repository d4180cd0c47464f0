"""How Istio comes into a mesh's cluster: what contradicts the rest of the configuration is refused, key by key."""

from typing import Any

import pytest
from stack_settings import KUBECONFIG, LOCAL

from components import settings
from components.schema.problems import SettingsError

EXISTING = {"kind": "existing", "kubeconfig": KUBECONFIG}
JOINED = {"cluster": EXISTING, "istio": {"install": False}, "trust_domain": "shop.example"}


VALUES = {"istio": {"values": {"cni": {"cniConfDir": "/etc/net"}}}}
PRIMARY = {"kind": "single-mesh", "network": "gateways", "control_plane": "one"}
FLAT = {"kind": "single-mesh", "network": "flat"}


def joined(**istio: Any) -> dict[str, Any]:
    return {"meshes": {"east": JOINED}, "istio": istio}


def stack(istio: dict[str, Any], cluster: dict[str, Any] = EXISTING, **others: Any) -> dict[str, Any]:
    return {"meshes": {"east": {"cluster": cluster, "istio": istio}, "west": LOCAL}, **others}


@pytest.mark.parametrize("istio", [{}, {"adopt": True}, {"install": False}, {"install": False, "revision": "stable"}])
def test_an_existing_cluster_may_have_an_istio(istio: dict[str, Any]) -> None:
    assert settings.validate(stack(istio))


@pytest.mark.parametrize("topology", [{"kind": "multi-mesh"}, {"kind": "single-mesh", "network": "gateways"}])
def test_a_mesh_may_have_the_node_agent_without_the_others(topology: dict[str, Any]) -> None:
    assert settings.validate(stack({"cni": True}, topology=topology) | VALUES)


@pytest.mark.parametrize("cluster", [EXISTING, {"kind": "local"}])
@pytest.mark.parametrize("revision", ["canary", "1-31-0", "a" * 46])
def test_a_control_plane_may_have_a_revision(cluster: dict[str, Any], revision: str) -> None:
    assert settings.validate(stack({"revision": revision}, cluster))


def single(**topology: Any) -> dict[str, Any]:
    return stack({"revision": "canary"}, topology={"kind": "single-mesh", "network": "gateways", **topology})


TAGS = {"values": {"istiod": {"revisionTags": ["prod"]}}}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (stack({"revision": "default"}), "what Istio calls the control plane without a revision: remove the key"),
        (stack({"revision": "remote"}), "istiod-remote is a name of every istiod"),
        (stack({"revision": "a" * 47}), "may have 46 characters"),
        (stack({"revision": "Canary"}), "must be a DNS label"),
        (stack({"revision": 1.31}), "must be a DNS label"),
        (single(), "needs topology multi-mesh or single-cluster"),
        (single(control_plane="one", primary="west"), "needs topology multi-mesh or single-cluster"),
        (stack({"revision": "canary"}, trust={"stack": "trust"}), "is signed elsewhere (trust.stack)"),
        (stack({"revision": "canary"}) | {"istio": TAGS}, "cannot be with istio.values.istiod.revisionTags"),
    ],
)
def test_a_revision_that_cannot_be_installed_is_refused(raw: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.validate(raw)
    [line] = [line for line in str(caught.value).splitlines() if "multimesh:meshes.east.istio.revision:" in line]
    assert why in line


def test_parts_are_taken_over_in_every_topology() -> None:
    single = {"kind": "single-mesh", "network": "gateways"}
    assert settings.validate(stack({"adopt": True}, topology=single))


@pytest.mark.parametrize(
    ("raw", "key", "why"),
    [
        (stack({"adopt": True}, {"kind": "local"}), "meshes.east.istio.adopt: true", "the stack makes this cluster"),
        (stack({"install": False}, {"kind": "local"}), "meshes.east.istio.install: false", "the stack makes this"),
        (stack({"install": False, "adopt": True}), "meshes.east.istio.adopt: true", "remove one of the two"),
        (stack({"charts": "here"}), "meshes.east.istio.charts", "unknown key; allowed: adopt, cni, install, revision"),
        (stack({"install": False}, topology=FLAT), "meshes.east.istio.install: false", "use topology multi-mesh, or"),
        (
            stack({"install": False, "cni": True}),
            "meshes.east.istio.cni: true",
            "whoever runs the control plane decides how its sidecars start, and runs the node agent",
        ),
        (
            stack({}, EXISTING | {"cni": {}}),
            "meshes.east.cluster.cni",
            "has a meaning with istio.cni: true of the mesh",
        ),
        (
            stack({"cni": True}, EXISTING | {"cni": {"bin_dir": "opt"}}),
            "meshes.east.cluster.cni.bin_dir: 'opt'",
            "must be an absolute path of a folder",
        ),
        (stack({}) | VALUES, "istio.values.cni", "no mesh has the node agent (istio.cni)"),
        (
            stack({}, LOCAL["cluster"], topology=PRIMARY | {"primary": "east"})
            | {"meshes": {"east": LOCAL, "west": LOCAL | {"istio": {"cni": True}}}},
            "meshes.west.istio.cni: true",
            "must be false as in east, whose control plane injects the sidecars of all clusters",
        ),
        (joined(hub="example.com/istio"), "istio.hub", "no mesh of the stack installs a control plane"),
        (joined(tag="1.2.3"), "istio.tag", "no mesh of the stack installs a control plane"),
        (joined(values={"istiod": {"a": 1}}), "istio.values.istiod", "no mesh of the stack installs"),
        (joined(values={"base": {"a": 1}}), "istio.values.base", "no mesh of the stack installs"),
    ],
)
def test_what_has_no_meaning_there_is_refused(raw: dict[str, Any], key: str, why: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.validate(raw)
    [line] = [line for line in str(caught.value).splitlines() if f"multimesh:{key}" in line]
    assert why in line


def test_the_gateways_chart_and_values_have_a_meaning_without_a_control_plane() -> None:
    chart = {"charts": "oci://example.com/charts", "version": "1.2.3", "values": {"gateway": {"replicaCount": 2}}}
    assert settings.validate(joined(**chart))


def with_domain(domain: object, **others: Any) -> dict[str, Any]:
    return stack({}, EXISTING | {"dns_domain": domain}, **others)


def test_an_existing_cluster_may_have_a_domain_of_its_own() -> None:
    assert settings.validate(with_domain("corp.internal")).cluster_domain("east") == "corp.internal"
    assert settings.validate(with_domain("corp.internal")).cluster_domain("west") == "cluster.local"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (with_domain("corp.internal", topology=FLAT), "dns_domain: 'corp.internal': needs topology multi-mesh"),
        (with_domain("corp_internal"), "must be a DNS domain such as cluster.local"),
        (with_domain("corp.internal."), "must be a DNS domain such as cluster.local"),
        (with_domain(""), "must be a DNS domain such as cluster.local"),
        (with_domain(None), "dns_domain"),
        (stack({}, {"kind": "local", "dns_domain": "corp.internal"}), "dns_domain"),
    ],
)
def test_a_domain_that_cannot_be_honoured_is_refused(raw: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.validate(raw)
    assert why in str(caught.value)
