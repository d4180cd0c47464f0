"""What a node of a kubeadm cluster is told: configuration and user data."""

import base64
import gzip
import re
import subprocess
from typing import Any

import pytest
import yaml

from components.clusters.kubeadm import configuration, user_data
from components.clusters.kubeadm.configuration import KubeadmCluster

CLUSTER = KubeadmCluster(
    name="shop-east",
    endpoint="multimesh-shop-east-0123456789abcdef.elb.eu-central-1.amazonaws.com",
    api_names=tuple(f"198.51.100.{number}" for number in range(6)),
    pod_cidr="10.100.0.0/16",
    service_cidr="10.101.0.0/16",
    worker_role="arn:aws:iam::123456789012:role/shop-east-worker-0123456789abcdef",
)
FILES = [
    "token",
    "encryption.yaml",
    *(f"pki/{ca}.{kind}" for ca in ("ca", "front-proxy-ca", "etcd/ca") for kind in ("crt", "key")),
    "pki/sa.key",
    "pki/sa.pub",
]
FIRST = user_data.control_plane(CLUSTER, "/multimesh/shop/east/control-plane", FILES, first=True)
ANOTHER = user_data.control_plane(CLUSTER, "/multimesh/shop/east/control-plane", FILES, first=False)
WORKER = user_data.worker(CLUSTER, "/multimesh/shop/east/worker", ["ca.crt", "token"])
ROLES = {"first": FIRST, "another": ANOTHER, "worker": WORKER}


def written(text: str) -> dict[str, str]:
    return {file["path"]: file["content"] for file in yaml.safe_load(text)["write_files"]}


def documents(text: str) -> dict[str, Any]:
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def test_the_first_node_is_told_the_whole_cluster(snapshot: Any) -> None:
    assert written(FIRST)["/etc/multimesh/init.yaml"] == snapshot


@pytest.mark.parametrize("control_plane", [True, False])
def test_a_node_joins_with_a_certificate_in_its_own_name(control_plane: bool, snapshot: Any) -> None:
    assert configuration.join(control_plane=control_plane) == snapshot


def arguments(component: str) -> dict[str, str]:
    cluster = documents(configuration.init(CLUSTER))["ClusterConfiguration"]
    return {given["name"]: given["value"] for given in cluster[component]["extraArgs"]}


@pytest.mark.parametrize("component", ["apiServer", "controllerManager", "scheduler"])
def test_no_component_shows_its_profile(component: str) -> None:
    assert arguments(component)["profiling"] == "false"


def test_the_api_server_sees_each_file_that_it_is_told_to_read_or_write() -> None:
    volumes = documents(configuration.init(CLUSTER))["ClusterConfiguration"]["apiServer"]["extraVolumes"]
    mounted = {volume["hostPath"]: volume["readOnly"] for volume in volumes}
    told = arguments("apiServer")
    assert told["encryption-provider-config"] == "/etc/kubernetes/encryption.yaml"
    assert mounted == {
        told["encryption-provider-config"]: True,
        told["audit-policy-file"]: True,
        told["audit-log-path"].rpartition("/")[0]: False,
    }


@pytest.mark.parametrize("role", ROLES)
def test_control_plane_nodes_alone_are_told_what_is_audited(role: str) -> None:
    policy = written(ROLES[role]).get(configuration.AUDIT_POLICY, "")
    assert bool(policy) == (role != "worker")
    assert {rule["level"] for rule in (yaml.safe_load(policy) or {"rules": []})["rules"]} <= {"None", "Metadata"}


def test_secrets_are_encrypted_first_and_older_ones_are_still_read() -> None:
    (rule,) = yaml.safe_load(configuration.encryption("a2V5"))["resources"]
    assert rule["resources"] == ["secrets"]
    assert [next(iter(provider)) for provider in rule["providers"]] == ["secretbox", "identity"]


def test_what_opens_more_than_a_node_needs_is_gone_once_it_has_joined() -> None:
    program = written(FIRST)["/usr/local/sbin/join-cluster"]
    removed = program.index('rm -f "$ADMIN" /etc/kubernetes/super-admin.conf /etc/kubernetes/token\n')
    assert program.index("kubeadm init --config") < removed < program.index('touch "$JOINED"')


def test_the_token_lets_workers_ask_and_is_not_one_whose_requests_are_approved_by_kubernetes() -> None:
    (token,) = documents(configuration.init(CLUSTER))["InitConfiguration"]["bootstrapTokens"]
    assert (token["groups"], token["usages"]) == (["system:bootstrappers:multimesh"], ["authentication"])
    rights = [document for document in yaml.safe_load_all(configuration.nodes()) if "rules" in document]
    (asking,) = (role["rules"] for role in rights if role["metadata"]["name"] == "multimesh:ask-for-node-certificates")
    assert asking == [
        {
            "apiGroups": ["certificates.k8s.io"],
            "resources": ["certificatesigningrequests"],
            "verbs": ["create", "get"],
        }
    ]


def test_the_approver_s_names_are_those_that_rbac_knows() -> None:
    program = written(FIRST)["/usr/local/lib/multimesh/approve_nodes.py"]
    bound = [document for document in yaml.safe_load_all(configuration.nodes()) if "subjects" in document]
    subjects = {document["subjects"][0]["kind"]: document["subjects"][0]["name"] for document in bound}
    assert f'GROUP = "{subjects["Group"]}"\nUSER = "{subjects["User"]}"\n' in program


def test_the_pods_of_the_clusters_dns_are_never_evicted_both_at_once() -> None:
    (budget,) = yaml.safe_load_all(written(FIRST)["/etc/multimesh/dns.yaml"])
    assert budget["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    assert "--filename /etc/multimesh/dns.yaml\n" in written(FIRST)["/usr/local/sbin/join-cluster"]


def test_kubelets_serve_with_certificates_that_the_api_server_checks() -> None:
    assert documents(configuration.init(CLUSTER))["KubeletConfiguration"]["serverTLSBootstrap"] is True
    assert arguments("apiServer")["kubelet-certificate-authority"] == "/etc/kubernetes/pki/ca.crt"


def test_the_api_certificate_carries_the_endpoint_and_every_other_name() -> None:
    names = documents(configuration.init(CLUSTER))["ClusterConfiguration"]["apiServer"]["certSANs"]
    assert names == [CLUSTER.endpoint, *CLUSTER.api_names]


@pytest.mark.parametrize("role", ROLES)
def test_user_data_is_within_what_ec2_takes(role: str) -> None:
    packed = base64.b64decode(user_data.packed(ROLES[role]))
    assert len(packed) <= user_data.MAXIMUM_BYTES
    assert gzip.decompress(packed).decode() == ROLES[role]


@pytest.mark.parametrize("role", ROLES)
def test_user_data_is_cloud_config_that_starts_the_node_s_service(role: str) -> None:
    assert ROLES[role].startswith("#cloud-config\n")
    assert yaml.safe_load(ROLES[role])["runcmd"][-1][-1] == "multimesh-node.service"


@pytest.mark.parametrize("role", ROLES)
def test_programs_alone_can_be_run(role: str) -> None:
    for file in yaml.safe_load(ROLES[role])["write_files"]:
        is_program = file["path"].startswith("/usr/local/sbin/")
        assert file["permissions"] == ("0755" if is_program else "0644"), file["path"]


@pytest.mark.parametrize("role", ROLES)
def test_the_service_starts_programs_that_are_written(role: str) -> None:
    service = written(ROLES[role])["/etc/systemd/system/multimesh-node.service"]
    started = [line.partition("=")[2] for line in service.splitlines() if line.startswith("ExecStart=")]
    assert started == ["/usr/local/sbin/install-kubernetes", "/usr/local/sbin/join-cluster"]
    assert set(started) < set(written(ROLES[role]))


def test_only_the_first_node_can_make_a_cluster() -> None:
    assert [role for role in ROLES if "/etc/multimesh/init.yaml" in written(ROLES[role])] == ["first"]


@pytest.mark.parametrize("role", ROLES)
def test_a_node_has_the_modules_that_its_programs_import_and_run(role: str) -> None:
    files = written(ROLES[role])
    library = {path.rpartition("/")[2] for path in files if path.startswith("/usr/local/lib/multimesh/")}
    programs = [text for path, text in files.items() if path.startswith("/usr/local/")]
    imported = {name for text in programs for name in re.findall(r"^from (\w+_\w+) import", text, re.MULTILINE)}
    assert {f"{name}.py" for name in imported} <= library
    assert ("approve_nodes.py" in library, "prove_identity.py" in library) == (role != "worker", role == "worker")


def test_a_worker_fetches_from_its_own_path_the_token_and_what_it_knows_the_cluster_by() -> None:
    environment = written(WORKER)["/etc/multimesh/node.env"]
    assert "PARAMETERS=/multimesh/shop/east/worker\n" in environment
    assert 'SECRET_FILES="ca.crt token"\n' in environment


def test_containerd_pauses_with_the_image_that_it_is_told() -> None:
    assert f"sandbox = '{CLUSTER.pause_image}'" in written(WORKER)["/etc/containerd/config.toml"]


@pytest.mark.needs("shellcheck")
@pytest.mark.parametrize("program", ["install-kubernetes", "join-cluster", "upgrade-kubernetes"])
def test_shellcheck_finds_nothing_in_a_node_s_program(program: str) -> None:
    text = written(FIRST)[f"/usr/local/sbin/{program}"]
    checked = subprocess.run(
        ["shellcheck", "--severity=style", "--exclude=SC1091", "-"],  # what it sources is on the node alone
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert checked.stdout == ""
