"""What a stack may say, and the one message that each mistake gets."""

from typing import Any

import pytest
from stack_settings import ECHO, LOCAL, existing, mesh, other, service, single_mesh, spanning

from components import settings
from components.settings import configuration

LABEL = "must be a DNS label: 1 to 63 of a-z, 0-9 and -, with no - at the ends (RFC 1123)"
SERVICE_NAME = "must be a Service's name: 1 to 63 of a-z, 0-9 and -, a letter first, no - last"
TRUST_DOMAIN = (
    "must be a SPIFFE trust domain that the name constraints of its CA can state: labels of 1 to 63 of a-z, 0-9, '_' "
    "and '-' (not at the ends), joined by dots, 253 in all, and no IP address; use one such as east.mesh"
)
PORT = "must be a port number from 1 to 65535"
WEIGHT = "must be a weight: a whole number, 0 (no traffic) to 1000000"
DOMAIN = "must be a DNS domain such as global, other than cluster.local"
HOST = "must be a DNS name, '*.' and a DNS name, or '*' for every host"
ADDRESS = "must be an IP address or a DNS name"
ACCOUNT = "must be a service account's name: DNS labels joined by dots"
CALLER = (
    "must be a mesh of this stack (east, west), <mesh>/ns/<namespace>, or <mesh>/ns/<namespace>/sa/<service account>; "
    "without the key every mesh may call"
)
STACK = "must be a stack: its name, or organization/project/stack"
TOPOLOGIES = "'multi-mesh', 'single-cluster', 'single-mesh'"
SERVICE_KEYS = (
    "callers, ingress_hosts, meshes, name, namespace, peers, port, ports, prefer, probe, retries, service_account, "
    "split, timeout"
)


BAD_INPUT = [
    # The stack
    ({}, "meshes: is missing"),
    (
        other(mesh={}),
        "mesh: unknown key; did you mean meshes?",
    ),
    (other(suffix=""), f"suffix: '': {DOMAIN}"),
    (other(suffix="Global"), f"suffix: 'Global': {DOMAIN}"),
    (other(suffix="svc.cluster.local"), f"suffix: 'svc.cluster.local': {DOMAIN}"),
    (other(suffix=".global"), f"suffix: '.global': {DOMAIN}"),
    (other(sample="yes"), "sample: 'yes': must be true or false"),
    (other(sample=1), "sample: 1: must be true or false"),
    (other(sample_image=1), "sample_image: 1: must be text"),
    # Meshes
    ({"meshes": {}}, "meshes: must have 1 to 100 meshes"),
    ({"meshes": {f"mesh{i}": LOCAL for i in range(101)}}, "meshes: must have 1 to 100 meshes"),
    ({"meshes": ["east"]}, "meshes: must be a mapping"),
    ({"meshes": "east"}, "meshes: 'east': must be a mapping"),
    ({"meshes": {"": LOCAL}}, f"meshes.: '': {LABEL}"),
    ({"meshes": {"East": LOCAL}}, f"meshes.East: 'East': {LABEL}"),
    ({"meshes": {"a.b": LOCAL}}, f"meshes.a.b: 'a.b': {LABEL}"),
    ({"meshes": {"-a": LOCAL}}, f"meshes.-a: '-a': {LABEL}"),
    ({"meshes": {"a" * 64: LOCAL}}, f"meshes.{'a' * 64}: {'a' * 64!r}: {LABEL}"),
    (mesh(), "meshes.east.cluster: is missing"),
    (mesh(cluster="local"), "meshes.east.cluster: 'local': must be a mapping"),
    (mesh(cluster={}), "meshes.east.cluster.kind: is missing; allowed: 'local', 'existing', 'ec2', 'gke'"),
    (mesh(cluster={"kind": "lokal"}), "meshes.east.cluster.kind: 'lokal': allowed: 'local', 'existing', 'ec2', 'gke'"),
    (mesh(cluster={"kind": "local", "nodes": 3}), "meshes.east.cluster.nodes: unknown key; allowed: kind"),
    (
        mesh(**LOCAL, domain="a"),
        "meshes.east.domain: unknown key; allowed: cluster, istio, trust_domain, trust_domain_aliases",
    ),
    (mesh(**LOCAL, trust_domain="A.b"), f"meshes.east.trust_domain: 'A.b': {TRUST_DOMAIN}"),
    (mesh(**LOCAL, trust_domain_aliases=["A"]), f"meshes.east.trust_domain_aliases[0]: 'A': {TRUST_DOMAIN}"),
    (
        mesh(**LOCAL, trust_domain_aliases=["x.east.mesh"]),
        "meshes.east.trust_domain_aliases: x.east.mesh is below east.mesh: the mesh's CA may sign for east.mesh and "
        "for nothing below it. Change to a trust domain that is neither, and from there to the one that you want",
    ),
    (
        mesh(**LOCAL, trust_domain_aliases=["west.mesh"]),
        "meshes.east.trust_domain_aliases[0]: 'west.mesh': a trust domain may belong to one mesh",
    ),
    (mesh(**LOCAL, trust_domain=""), f"meshes.east.trust_domain: '': {TRUST_DOMAIN}"),
    (mesh(**LOCAL, trust_domain="a/b"), f"meshes.east.trust_domain: 'a/b': {TRUST_DOMAIN}"),
    *(
        (mesh(**LOCAL, trust_domain=domain), f"meshes.east.trust_domain: '{domain}': {TRUST_DOMAIN}")
        for domain in ("10.0.0.1", ".mesh", "east.mesh.", "east..mesh", "-east.mesh", "*.mesh", f"{'a' * 64}.mesh")
    ),
    (mesh(**LOCAL, trust_domain="a" * 256), f"meshes.east.trust_domain: '{'a' * 69}...: {TRUST_DOMAIN}"),
    (
        mesh(**LOCAL, trust_domain="west.mesh"),
        "meshes.west.trust_domain: 'west.mesh': a trust domain may belong to one mesh",
    ),
    # Peers
    (other(peers="west"), "peers: 'west': must be a list, such as [west]"),
    (other(peers={}), "peers: must be a list"),
    (other(peers=[7]), f"peers[0]: 7: {STACK}"),
    (other(peers=["west", ""]), f"peers[1]: '': {STACK}"),
    (other(peers=["acme/west"]), f"peers[0]: 'acme/west': {STACK}"),
    (other(peers=["acme/mesh/west/1"]), f"peers[0]: 'acme/mesh/west/1': {STACK}"),
    (other(peers=["we st"]), f"peers[0]: 'we st': {STACK}"),
    (
        service(callers=["North"]) | {"peers": ["north"]},
        "services[0].callers[0]: 'North': must be a mesh of this stack or of a peer (east, west), "
        "<mesh>/ns/<namespace>, or <mesh>/ns/<namespace>/sa/<service account>; without the key every mesh may call",
    ),
    (
        service(meshes={"north": 1}) | {"peers": ["north"]},
        "services[0].meshes.north: 'north': must be a mesh of this stack: east, west",
    ),
    # Existing clusters
    (
        existing(gateway={"node_port": 31443}),
        "meshes.east.cluster.gateway.node_port: 31443: must be left out unless service is NodePort",
    ),
    (mesh(cluster={"kind": "existing"}), "meshes.east.cluster.kubeconfig: is missing"),
    (existing(kubeconfig=7), "meshes.east.cluster.kubeconfig: 7: must be text"),
    (existing(kubeconfig="/no/such/file"), "meshes.east.cluster.kubeconfig: '/no/such/file': no such file"),
    (
        existing(kubeconfig="~nobody-of-this-name/config"),
        "meshes.east.cluster.kubeconfig: '~nobody-of-this-name/config': "
        "the file cannot be read: Could not determine home directory.",
    ),
    (existing(kubeconfig="/"), "meshes.east.cluster.kubeconfig: '/': the file cannot be read: Is a directory"),
    (
        existing(kubeconfig="kind: Pod\n"),
        "meshes.east.cluster.kubeconfig: is not a kubeconfig: must be YAML of kind Config",
    ),
    (
        existing(kubeconfig="a: [\n"),
        "meshes.east.cluster.kubeconfig: is not a kubeconfig: must be YAML of kind Config",
    ),
    (
        existing(kubeconfig="{"),
        "meshes.east.cluster.kubeconfig: is not a kubeconfig: must be YAML of kind Config",
    ),
    (
        existing(kubeconfig="kind: Config\n"),
        "meshes.east.cluster.kubeconfig: has no current context; set `context` to one of: none",
    ),
    (
        existing(context="there"),
        "meshes.east.cluster.kubeconfig: has no context 'there'; it has: here, lost",
    ),
    (existing(context="lost"), "meshes.east.cluster.kubeconfig: context 'lost' names no cluster with a server"),
    (
        existing(contxt="here"),
        "meshes.east.cluster.contxt: unknown key; did you mean context?",
    ),
    (
        existing(gateway={"service": "ClusterIP"}),
        "meshes.east.cluster.gateway.service: 'ClusterIP': allowed: 'LoadBalancer' or 'NodePort'",
    ),
    (
        existing(gateway={"service": "NodePort"}),
        "meshes.east.cluster.gateway.address: null: must be the IP address or DNS name at which peers reach the "
        "node ports",
    ),
    (existing(gateway={"address": "a b"}), f"meshes.east.cluster.gateway.address: 'a b': {ADDRESS}"),
    (existing(gateway={"address": "10.0.0.256"}), f"meshes.east.cluster.gateway.address: '10.0.0.256': {ADDRESS}"),
    (existing(gateway={"address": ":::"}), f"meshes.east.cluster.gateway.address: ':::': {ADDRESS}"),
    (existing(gateway={"address": 10}), f"meshes.east.cluster.gateway.address: 10: {ADDRESS}"),
    (existing(gateway={"port": 0}), f"meshes.east.cluster.gateway.port: 0: {PORT}"),
    (existing(gateway={"ingress_port": "http"}), f"meshes.east.cluster.gateway.ingress_port: 'http': {PORT}"),
    # Services
    (other(services={}), "services: must be a list"),
    (other(services=["echo"]), "services[0]: 'echo': must be a mapping"),
    (other(services=[{}]), "services[0].name: is missing"),
    (other(services=[{}]), "services[0].namespace: is missing"),
    (other(services=[{}]), "services[0].ports: is missing; list the Service's ports"),
    (service(selector={}), f"services[0].selector: unknown key; allowed: {SERVICE_KEYS}"),
    (service(name="1echo"), f"services[0].name: '1echo': {SERVICE_NAME}"),
    (service(name="echo.demo"), f"services[0].name: 'echo.demo': {SERVICE_NAME}"),
    (service(namespace="De mo"), f"services[0].namespace: 'De mo': {LABEL}"),
    (
        service(namespace="istio-system"),
        "services[0].namespace: 'istio-system': must not be istio-system, whose policies hold for every namespace",
    ),
    (service(port=0), f"services[0].port: 0: {PORT}"),
    (service(port=65536), f"services[0].port: 65536: {PORT}"),
    (service(port="http"), f"services[0].port: 'http': {PORT}"),
    (service(port=80.0), f"services[0].port: 80.0: {PORT}"),
    (service(port=True), f"services[0].port: true: {PORT}"),
    (service(meshes=["east"]), "services[0].meshes: must be weights by mesh, such as {east: 50, west: 50}"),
    (service(meshes={"east": -1}), f"services[0].meshes.east: -1: {WEIGHT}"),
    (service(meshes={"east": "half"}), f"services[0].meshes.east: 'half': {WEIGHT}"),
    (service(meshes={"east": 0.5}), f"services[0].meshes.east: 0.5: {WEIGHT}"),
    (service(meshes={"east": None}), "services[0].meshes.east: is empty: give it a value, or remove it"),
    (service(meshes={"east": 0, "west": 0}), "services[0].meshes: at least one mesh must have a weight above 0"),
    (service(meshes={"north": 1}), "services[0].meshes.north: 'north': must be a mesh of this stack: east, west"),
    (service(callers="east"), "services[0].callers: 'east': must be a list, such as [east]"),
    (service(callers=[]), "services[0].callers: must name at least one caller; remove the key to allow every mesh"),
    (service(meshes={}), "services[0].meshes: at least one mesh must have a weight above 0"),
    (service(callers=["north"]), f"services[0].callers[0]: 'north': {CALLER}"),
    (service(callers=["east/web"]), f"services[0].callers[0]: 'east/web': {CALLER}"),
    (service(callers=["east", "north/ns/a/sa/b"]), f"services[0].callers[1]: 'north/ns/a/sa/b': {CALLER}"),
    (service(callers=[7]), f"services[0].callers[0]: 7: {CALLER}"),
    (service(service_account="Echo"), f"services[0].service_account: 'Echo': {ACCOUNT}"),
    (service(ingress_hosts="*"), "services[0].ingress_hosts: '*': must be a list, such as [*]"),
    (service(ingress_hosts=["a.*"]), f"services[0].ingress_hosts[0]: 'a.*': {HOST}"),
    (service(ingress_hosts=["*", "*"]), "services: '*': an ingress host may belong to one service"),
    (service(port=8080), "services[0].port: 8080: must be 80, as in the sample service"),
    (service(service_account="web"), "services[0].service_account: 'web': must be 'echo', as in the sample service"),
    (
        other(services=[{"name": "echo", "namespace": "demo", "port": 80}]),
        "services[0].service_account: is missing; must be 'echo', as in the sample service",
    ),
    (service(split="even"), "services[0].split: 'even': allowed: 'failover' or 'weighted'"),
    (other(services=[ECHO, ECHO]), "services: 'echo.demo': a service may be listed once, with all its ports"),
    # Topology
    (other(topology="single-mesh"), "topology: 'single-mesh': must be a mapping"),
    (other(topology={}), f"topology.kind: is missing; allowed: {TOPOLOGIES}"),
    (other(topology={"kind": "flat"}), f"topology.kind: 'flat': allowed: {TOPOLOGIES}"),
    (other(topology={"kind": "multi-mesh", "network": "flat"}), "topology.network: unknown key; allowed: kind"),
    (other(topology={"kind": "single-cluster"}), "meshes: 'east, west': topology single-cluster must have one mesh"),
    (single_mesh("east"), "meshes: 'east': topology single-mesh must have two clusters or more"),
    (other(topology={"kind": "single-mesh"}), "topology.network: is missing"),
    (single_mesh(network="vpn"), "topology.network: 'vpn': allowed: 'gateways' or 'flat'"),
    (single_mesh(control_plane="two"), "topology.control_plane: 'two': allowed: 'each' or 'one'"),
    (single_mesh(trust_domain="A"), f"topology.trust_domain: 'A': {TRUST_DOMAIN}"),
    (
        single_mesh(control_plane="one"),
        "topology.primary: is missing; with control_plane: one it names the cluster that runs it: east, west",
    ),
    (
        single_mesh(control_plane="one", primary="north"),
        "topology.primary: 'north': must be a mesh of this stack: east, west",
    ),
    (
        single_mesh(control_plane="one", primary="east") | {"trust": {"ca_generations": {"east": 2, "west": 2}}},
        "trust.ca_generations.west: 2: the control plane of east signs for this cluster: set it for east",
    ),
    (single_mesh(primary="east"), "topology.primary: 'east': needs control_plane: one; set it, or remove primary"),
    (
        single_mesh(served_from=["198.51.100.0/24"]),
        "topology.served_from: needs control_plane: one; set it, or remove served_from",
    ),
    (
        single_mesh(control_plane="one", primary="east", served_from=[]),
        "topology.served_from: must list at least one IPv4 network, or the clusters that are served could not connect",
    ),
    (
        single_mesh(control_plane="one", primary="east", served_from=["198.51.100.7"]),
        "topology.served_from[0]: '198.51.100.7': must be an IPv4 network such as 10.0.0.0/16",
    ),
    (
        single_mesh(control_plane="one", primary="east", served_from=["198.51.100.0/24"]),
        "topology.served_from: is for a primary of kind existing; the program knows the networks itself: remove it",
    ),
    (
        single_mesh(control_plane="one", primary="east")
        | {"istio": {"values": {"gateway": {"service": {"externalTrafficPolicy": "Cluster"}}}}},
        "istio.values.gateway.service.externalTrafficPolicy: 'Cluster': the gateway of east could not tell by their "
        "addresses which clusters it serves: remove it",
    ),
    (
        single_mesh() | {"meshes": {"east": LOCAL | {"trust_domain": "a"}, "west": LOCAL}},
        "meshes.east.trust_domain: 'a': the clusters of a single mesh share one trust domain: "
        "set topology.trust_domain instead",
    ),
    (
        single_mesh() | {"meshes": {"east": LOCAL | {"trust_domain": None}, "west": LOCAL}},
        "meshes.east.trust_domain: is empty: give it a value, or remove it",
    ),
    (single_mesh() | {"peers": ["other"]}, "peers: peers need topology multi-mesh, not single-mesh"),
    (
        {"meshes": {"east": LOCAL}, "topology": {"kind": "single-cluster"}, "peers": ["other"]},
        "peers: peers need topology multi-mesh, not single-cluster",
    ),
    (
        spanning(meshes={"east": 80, "west": 20}),
        "services[0].meshes: a single mesh shares requests evenly among all pods: use equal weights, "
        "or split: weighted, which divides requests by cluster and fails those of a lost cluster",
    ),
    (
        spanning(meshes={"east": 1}),
        "services[0].meshes: the sample runs in every cluster of a single mesh: add west, or set split: weighted",
    ),
    (
        spanning(callers=["east", "west", "west/ns/shop/sa/web"]),
        "services[0].callers: the clusters of a single mesh share identities, so a caller in one is a caller in all: "
        "add east/ns/shop/sa/web",
    ),
    (
        spanning(callers=["east"]),
        "services[0].callers: the clusters of a single mesh share identities, so a caller in one is a caller in all: "
        "add west",
    ),
    # Istio
    (other(istio={"version": 1.31}), "istio.version: 1.31: must be text"),
    (other(istio={"revision": "a"}), "istio.revision: unknown key; allowed: charts, hub, tag, values, version"),
    (
        other(istio={"values": {"ztunnel": {}}}),
        "istio.values.ztunnel: unknown key; allowed: base, cni, gateway, istiod",
    ),
    (other(istio={"values": {"istiod": []}}), "istio.values.istiod: must be a mapping"),
    (
        other(istio={"values": {"istiod": {"revision": "canary"}}}),
        "istio.values.istiod.revision: 'canary': is decided by multimesh: set istio.revision of the mesh",
    ),
    (
        other(istio={"values": {"istiod": {"env": {"ISTIOD_CUSTOM_HOST": "istiod.example.com"}}}}),
        "istio.values.istiod.env.ISTIOD_CUSTOM_HOST: 'istiod.example.com': is decided by multimesh: remove it: the "
        "mesh's CA may sign no names of istiod but istiod.istio-system.svc, istiod-remote.istio-system.svc, "
        "istio-pilot.istio-system.svc",
    ),
]


@pytest.mark.parametrize(("raw", "message"), BAD_INPUT, ids=[message[:60] for _, message in BAD_INPUT])
def test_a_mistake_is_named_by_path_value_and_what_is_allowed(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.validate(raw)
    assert f"  multimesh:{message}" in str(caught.value).splitlines()


@pytest.mark.parametrize(
    "key", ["callers", "meshes", "timeout", "retries", "prefer", "ingress_hosts", "service_account", "probe", "split"]
)
def test_a_key_without_a_value_is_never_taken_for_an_absent_one(key: str) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.validate(service(**{key: None}))
    assert str(caught.value).splitlines()[1:] == [
        f"  multimesh:services[0].{key}: is empty: give it a value, or remove it"
    ]


@pytest.mark.parametrize("key", ["services", "topology", "istio", "trust", "peers", "sample", "suffix"])
def test_no_part_of_a_stack_may_be_empty(key: str) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.validate(other(**{key: None}))
    assert f"  multimesh:{key}: is empty: give it a value, or remove it" in str(caught.value).splitlines()


def test_an_empty_helm_value_takes_a_default_away() -> None:
    taken = settings.validate(other(istio={"values": {"gateway": {"resources": None}}}))
    assert taken.istio.values.gateway == {"resources": None}


def test_all_mistakes_are_reported_at_once() -> None:
    raw = {
        "sample": False,
        "meshes": {"East": LOCAL, "west": {"cluster": {"kind": "lokal"}}},
        "services": [ECHO | {"port": 0, "callers": ["north"]}, ECHO, ECHO],
        "suffix": "",
    }
    with pytest.raises(settings.SettingsError) as caught:
        settings.validate(raw)
    first, *lines = str(caught.value).splitlines()
    assert first == "the stack's configuration has 6 mistakes; nothing was changed:"
    assert len(lines) == 6


def test_half_a_character_is_named_by_its_path() -> None:
    half = "\ud800"
    with pytest.raises(settings.SettingsError) as caught:
        settings.validate({"meshes": {half: LOCAL}, "services": [ECHO | {"name": f"a{half}"}]})
    message = "has a text with half of a surrogate pair: write the whole character"
    assert str(caught.value).splitlines()[1:] == [
        f"  multimesh:meshes: {message}",
        f"  multimesh:services[0].name: {message}",
    ]


@pytest.mark.parametrize("value", ["[" * 100_000, "1" * 10_000])
def test_a_value_that_json_cannot_hold_is_a_mistake_like_others(value: str) -> None:
    assert configuration._parsed(value) == value
