"""The nodes of a cluster on EC2 under mocks: what each may read, what is secret, and what AWS refuses."""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import aws_answers
import pulumi
import pytest
from ec2_stack import EC2, config, made
from recording import record, recorded

from components.clusters.ec2 import scope
from components.versions import KUBERNETES_VERSION

TEMPLATE = f"east-workers-1-{KUBERNETES_VERSION}"
OTHER = "1.36.3"


def user_data(packed: str) -> str:
    return gzip.decompress(base64.b64decode(packed)).decode()


@pytest.fixture
def refused() -> Iterator[dict[str, str]]:
    yield aws_answers.REFUSED
    aws_answers.REFUSED.clear()


# Identity


@pytest.mark.parametrize("role", ["control-plane", "worker"])
def test_a_node_may_read_the_parameters_of_its_own_role_and_take_sessions(role: str) -> None:
    first, second, *more = json.loads(made()[f"east-{role}-policy"].inputs["policy"])["Statement"]
    assert first == {
        "Effect": "Allow",
        "Action": ["ssm:GetParameters"],
        "Resource": [f"arn:aws:ssm:eu-central-1:123456789012:parameter/multimesh/test/east/{role}/*"],
    }
    assert all(re.fullmatch(r"ssmmessages:\w+|ssm:UpdateInstanceInformation", action) for action in second["Action"])
    assert [right["Action"] for right in more] == ([["ec2:DescribeInstances"]] if role == "control-plane" else [])
    assert made().of(":RolePolicyAttachment") == [], "AWS's own policy for sessions reads every parameter"


def test_keys_and_token_are_secure_strings_and_secret() -> None:
    parameters = made().of(":Parameter")
    assert {parameter.inputs["name"].removeprefix("/multimesh/test/east/") for parameter in parameters} >= {
        "worker/token",
        "control-plane/token",
        "control-plane/pki/ca.key",
        "control-plane/pki/etcd/ca.key",
    }
    for parameter in parameters:
        assert (parameter.inputs["type"], parameter.secrets) == ("SecureString", {"value"}), parameter.name


def key_policy() -> dict[str, Any]:
    document = json.loads(made()["east-secrets-key"].inputs["policy"])
    return {statement["Sid"]: statement for statement in document["Statement"]}


def test_secrets_are_encrypted_with_a_key_of_the_clusters_own() -> None:
    assert {parameter.inputs["keyId"] for parameter in made().of(":Parameter")} == {"arn:east-secrets-key"}
    assert made()["east-secrets-key"].inputs["enableKeyRotation"] is True


@pytest.mark.parametrize(("statement", "role"), [("Nodes0", "control-plane"), ("Nodes1", "worker")])
def test_a_nodes_role_decrypts_its_own_parameters_alone(statement: str, role: str) -> None:
    allowed = key_policy()[statement]
    assert (allowed["Principal"], allowed["Action"]) == ({"AWS": f"arn:east-{role}-role"}, ["kms:Decrypt"])
    assert allowed["Condition"] == {
        "StringEquals": {"kms:ViaService": "ssm.eu-central-1.amazonaws.com"},
        "StringLike": {
            "kms:EncryptionContext:PARAMETER_ARN": f"arn:aws:ssm:eu-central-1:123456789012:parameter/*/east/{role}/*"
        },
    }


def test_of_the_others_only_who_deploys_decrypts_and_nobody_may_let_others() -> None:
    policy = key_policy()
    assert policy["Deployer"]["Principal"] == {"AWS": "arn:aws:iam::123456789012:role/deployer"}
    everything = policy["Administration"]["Action"]
    assert not [each for each in everything if re.search(r"crypt|DataKey|Grant|Generate|^kms:\*$", each)]
    assert policy.keys() == {"Administration", "Deployer", "Nodes0", "Nodes1"}


def test_in_a_stack_of_another_name_a_node_finds_its_secrets_where_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = aws_answers.outputs

    def kept_its_name(kind: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        was = {"name": inputs["name"].replace("/test/", "/before/")} if kind.endswith(":Parameter") else {}
        return answer(kind, name, inputs) | was

    monkeypatch.setattr(aws_answers, "outputs", kept_its_name)
    recording = record(config())
    for parameter in recording.of(":Parameter"):
        if parameter.name == "east-kubernetes-version":  # its name follows that of the token
            assert parameter.inputs["name"] == "/multimesh/before/east/control-plane/kubernetes-version"
            continue
        assert recording.ignored[parameter.urn] == ["name"], parameter.name
    assert "parameter/multimesh/before/east/worker/*" in recording["east-worker-policy"].inputs["policy"]
    template = user_data(recording[TEMPLATE].inputs["userData"])
    assert "PARAMETERS=/multimesh/before/east/worker\n" in template.replace("\\n", "\n")


def test_a_worker_is_given_no_key_of_a_ca() -> None:
    names = [parameter.inputs["name"] for parameter in made().of(":Parameter")]
    assert sorted(name for name in names if "/worker/" in name) == [
        "/multimesh/test/east/worker/ca.crt",
        "/multimesh/test/east/worker/token",
    ]


def test_nothing_shows_a_key_a_token_or_a_kubeconfig() -> None:
    recording = made()
    token = recording["east-worker-token"].inputs["value"]
    for resource in recording.resources.values():
        clear = str({name: value for name, value in resource.inputs.items() if name not in resource.secrets})
        for secret in ("key of ", token, "client-key-data"):
            assert secret not in clear, f"{resource.name} shows {secret}"


def test_user_data_holds_no_secret() -> None:
    recording = made()
    token = recording["east-worker-token"].inputs["value"]
    worker = user_data(recording[TEMPLATE].inputs["userData"])
    for text in (user_data(recording["east-control-plane-0"].inputs["userDataBase64"]), worker):
        assert token not in text
        assert "key of " not in text


# Nodes


@pytest.mark.parametrize("node", ["east-control-plane-0", TEMPLATE])
def test_metadata_is_for_the_node_alone(node: str) -> None:
    options = made()[node].inputs["metadataOptions"]
    assert options == {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1}


def test_disks_are_encrypted() -> None:
    assert made()["east-control-plane-0"].inputs["rootBlockDevice"]["encrypted"] is True
    (mapping,) = made()[TEMPLATE].inputs["blockDeviceMappings"]
    assert (mapping["deviceName"], mapping["ebs"]["encrypted"]) == ("/dev/sda1", "true")


def test_by_default_there_are_two_nodes() -> None:
    recording = made()
    assert len(recording.of(":Instance")) == 1
    group = recording["east-workers"].inputs
    assert (group["minSize"], group["maxSize"]) == (1, 1)


def test_one_control_plane_node_makes_the_cluster_and_the_others_join() -> None:
    recording = made(control_plane={"nodes": 3})
    roles = [
        re.search(r"\bROLE=(\S+)", user_data(recording[f"east-control-plane-{i}"].inputs["userDataBase64"]))[1]  # pyright: ignore[reportOptionalSubscript]
        for i in range(3)
    ]
    assert roles == ["first-control-plane", "control-plane", "control-plane"]
    addresses = recording["east-api-record"].inputs["records"]
    assert addresses == [aws_answers._address(f"east-control-plane-{i}-interface", "10.0.0") for i in range(3)]
    targets = [target.inputs["targetId"] for target in recording.of(":TargetGroupAttachment")]
    assert sorted(targets) == sorted(addresses)


def test_a_worker_that_dies_is_replaced_whatever_the_load_balancer_thinks_of_it() -> None:
    group = made(workers={"nodes": 3})["east-workers"].inputs
    assert (group["minSize"], group["maxSize"], group["healthCheckType"]) == (3, 3, "EC2")
    assert group["targetGroupArns"] == ["arn:east-ingress-targets", "arn:east-peers-targets"]


@pytest.mark.parametrize(("instance_type", "processor"), [("t3.large", "amd64"), ("t4g.large", "arm64")])
def test_the_image_is_canonicals_newest_for_the_processor(instance_type: str, processor: str) -> None:
    image = made(workers={"instance_type": instance_type})[TEMPLATE].inputs["imageId"]
    assert image == f"image ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{processor}-server-*"


def test_a_newer_image_or_other_user_data_replaces_no_node() -> None:
    recording = made()
    assert {"ami", "userData", "userDataBase64"} == set(recording.ignored[recording["east-control-plane-0"].urn])
    assert {"imageId", "userData"} == set(recording.ignored[recording[TEMPLATE].urn])


def test_a_preview_names_the_newer_image_and_how_workers_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda line, *_: said.append(line) if "image" in line else None)
    record(config())
    assert said == []
    answer = aws_answers.outputs

    def older(kind: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        return answer(kind, name, inputs) | ({"imageId": "ami-1"} if kind.endswith(":LaunchTemplate") else {})

    monkeypatch.setattr(aws_answers, "outputs", older)
    record(config(workers={"generation": 4}))
    newest = "image ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"
    assert said == [
        "multimesh:meshes.east.cluster.workers.generation: "
        f"workers boot from ami-1, Ubuntu's newest image is {newest}: 5 replaces them"
    ]


def test_another_generation_is_another_template_for_the_same_group() -> None:
    before, after = made(), made(workers={"generation": 2})
    assert TEMPLATE not in after.resources
    assert after["east-workers"].urn == before["east-workers"].urn
    assert after["east-workers"].inputs["launchTemplate"]["id"] == f"east-workers-2-{KUBERNETES_VERSION}-id"
    preferences = after["east-workers"].inputs["instanceRefresh"]["preferences"]
    assert preferences["minHealthyPercentage"] == 100, "the next worker comes before one goes"
    differing = {name for name in before.resources if before.resources[name] != after.resources.get(name)}
    assert differing == {"Ec2Cluster east", TEMPLATE, "east-workers"}


def test_a_pinned_image_is_taken_and_another_one_replaces_workers_alone() -> None:
    recording = made(ami="ami-0123456789abcdef0")
    assert recording[TEMPLATE].inputs["imageId"] == "image ami-0123456789abcdef0"
    assert recording.ignored[recording[TEMPLATE].urn] == ["userData"]
    assert "ami" in recording.ignored[recording["east-control-plane-0"].urn]


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        ("east-control-plane-0", "east-control-plane-pki-ca.key"),
        ("east-control-plane-0", "east-control-plane-policy"),
        ("east-control-plane-0", "east-private-route"),
        ("east-control-plane-0", "east-api-record"),
        ("east-control-plane-0", "east-load-balancer"),
        ("east-workers", "east-worker-token"),
        ("east-workers", "east-private-route"),
        ("east-ready", "east-control-plane-0"),
        ("east-ready", "east-api-listener"),
        ("east-ready", "east-198.18.7.0/24-to-api"),
        ("east-flannel", "east-ready"),
        ("east-istio-system", "east-flannel"),
        ("east-istiod", "east-flannel"),
    ],
)
def test_what_is_needed_comes_first(later: str, earlier: str) -> None:
    assert earlier in made().after(later)


# Kubernetes' version


def test_another_version_of_kubernetes_is_told_to_the_control_plane_before_the_workers_are_replaced() -> None:
    before, after = made(), made(kubernetes_version=OTHER)
    wanted = after["east-kubernetes-version"].inputs
    assert (wanted["name"], wanted["value"]) == ("/multimesh/test/east/control-plane/kubernetes-version", OTHER)
    assert after["east-kubernetes-version-reached"].inputs["version"] == OTHER
    assert after["east-settings"].inputs["kubernetes_version"] == OTHER
    assert "east-kubernetes-version" in after.after("east-kubernetes-version-reached")
    template = f"east-workers-1-{OTHER}"
    assert "east-kubernetes-version-reached" in after.after(template)
    assert after["east-workers"].inputs["launchTemplate"]["id"] == f"{template}-id"
    assert f"KUBERNETES_VERSION={OTHER}" in user_data(after[template].inputs["userData"])
    differing = {name for name in before.resources if before.resources[name] != after.resources.get(name)}
    told = {"Ec2Cluster east", "east-settings", "east-kubernetes-version", "east-kubernetes-version-reached"}
    ignored = {"east-control-plane-0"}  # its user data
    assert differing == told | ignored | {TEMPLATE, "east-workers"}


def test_a_template_of_a_state_that_has_no_version_in_its_name_is_the_same_template() -> None:
    assert made().aliases[made()[TEMPLATE].urn] == ["east-workers-1"]


def test_a_new_cluster_waits_for_no_upgrade() -> None:
    assert "east-control-plane-0" not in made().after("east-kubernetes-version-reached")


# Load balancer


@pytest.mark.parametrize(
    ("what", "port", "target"), [("api", 6443, 6443), ("ingress", 80, 30080), ("peers", 15443, 31443)]
)
def test_the_load_balancer_leads_each_port_to_its_own(what: str, port: int, target: int) -> None:
    listener, targets = made()[f"east-{what}-listener"].inputs, made()[f"east-{what}-targets"].inputs
    assert (listener["port"], targets["port"]) == (port, target)
    assert listener["defaultActions"] == [{"type": "forward", "targetGroupArn": f"arn:east-{what}-targets"}]


def test_the_apis_certificate_carries_the_load_balancers_name_and_addresses() -> None:
    recording = made(availability_zones=2)
    text = user_data(recording["east-control-plane-0"].inputs["userDataBase64"])
    for name in ("api.east.multimesh.internal", "east-load-balancer.elb.example.com"):
        assert f"- {name}" in text
    for i in range(2):
        assert f"- {aws_answers._address(f'east-address-{i}', '198.51.100')}\n" in text


def test_a_mesh_with_a_long_name_fits_into_what_aws_takes() -> None:
    name = "a" * 63
    recording = recorded({"meshes": {name: {"cluster": EC2}}})
    assert len(recording[f"{name}-load-balancer"].inputs["namePrefix"]) <= 6
    assert len(recording[f"{name}-api-targets"].inputs["namePrefix"]) <= 6
    for resource in (*recording.of(":Role"), *recording.of(":InstanceProfile")):
        assert len(resource.inputs["namePrefix"]) <= 38, resource.name


# What the cluster ends with, and what AWS refuses


def test_objects_in_the_cluster_end_with_its_first_node() -> None:
    recording = made()
    for resource in recording.resources.values():
        if resource.type.startswith("kubernetes:"):
            assert resource.deleted_with == recording["east-control-plane-0"].urn, resource.name


@pytest.mark.parametrize(
    ("look_up", "path"),
    [
        ("aws:ec2/getInstanceType:getInstanceType", r"(control_plane|workers)\.instance_type: 't3\.large'"),
        ("aws:ec2/getAmi:getAmi", "ami: null"),
        ("aws:index/getAvailabilityZones:getAvailabilityZones", "region: 'eu-central-1'"),
    ],
)
def test_what_aws_refuses_is_said_with_the_key_that_asked_for_it(
    refused: dict[str, str], look_up: str, path: str
) -> None:
    refused[look_up] = "no such thing"
    with pytest.raises(
        scope.AwsLookUpError, match=rf"^multimesh:meshes\.east\.cluster\.{path}: AWS says: no such thing$"
    ):
        record(config(control_plane={"instance_type": "t3.large"}))


def test_an_instance_type_that_is_too_small_is_refused() -> None:
    expected = "workers.instance_type: 't3.micro': must have at least 2 CPUs and 1700 MiB; it has 2 and 1024 MiB"
    with pytest.raises(scope.AwsLookUpError, match=expected):
        record(config(workers={"instance_type": "t3.micro"}))
