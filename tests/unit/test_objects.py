"""Kubernetes objects and releases are registered just as the SDK's own classes register them."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
from interpreter import printed_by
from pulumi_kubernetes.helm.v3 import Release as SdkRelease
from recording import Recorded, record_of

from components.objects import KubernetesObject, Release, find

META: Any = {"name": "a", "namespace": "b"}
OPTS = pulumi.ResourceOptions()


def _registered(make: Callable[[], pulumi.Resource]) -> Recorded:
    def program() -> Mapping[str, Any]:
        make()
        return {}

    (only,) = record_of(program).resources.values()
    return only


@pytest.mark.parametrize(
    ("ours", "sdks"),
    [
        (
            lambda: KubernetesObject("x", "v1", "Namespace", metadata={"name": "a"}, opts=OPTS),
            lambda: kubernetes.core.v1.Namespace("x", metadata={"name": "a"}),
        ),
        (
            lambda: KubernetesObject("x", "v1", "Service", metadata=META, spec={"clusterIP": "None"}, opts=OPTS),
            lambda: kubernetes.core.v1.Service("x", metadata=META, spec={"cluster_ip": "None"}),
        ),
        (
            lambda: KubernetesObject("x", "v1", "Secret", metadata=META, stringData={"k": "v"}, opts=OPTS),
            lambda: kubernetes.core.v1.Secret("x", metadata=META, string_data={"k": "v"}),
        ),
        (
            lambda: KubernetesObject(
                "x",
                "apps/v1",
                "Deployment",
                metadata=META,
                spec={"replicas": 2, "selector": {}, "template": {}},
                opts=OPTS,
            ),
            lambda: kubernetes.apps.v1.Deployment(
                "x", metadata=META, spec={"replicas": 2, "selector": {}, "template": {}}
            ),
        ),
        (
            lambda: KubernetesObject("x", "istio.io/v1", "Gateway", metadata=META, spec={"servers": []}, opts=OPTS),
            lambda: kubernetes.apiextensions.CustomResource("x", "istio.io/v1", "Gateway", {"servers": []}, META),
        ),
        (
            lambda: find("x", "v1", "Service", "b/a", opts=OPTS),
            lambda: kubernetes.core.v1.Service.get("x", "b/a"),
        ),
        (
            lambda: Release("x", chart="c", namespace="b", name="a", repositoryOpts={"repo": "r"}, opts=OPTS),
            lambda: SdkRelease("x", chart="c", namespace="b", name="a", repository_opts={"repo": "r"}),
        ),
    ],
    ids=["namespace", "service", "secret", "deployment", "custom resource", "found service", "release"],
)
def test_a_resource_is_registered_as_by_the_sdks_own_class(
    ours: Callable[[], pulumi.Resource], sdks: Callable[[], pulumi.Resource]
) -> None:
    assert _registered(ours) == _registered(sdks)


def test_a_local_stack_imports_no_class_of_the_sdk_for_a_kind_of_object() -> None:
    said = printed_by(
        "import sys",
        "import components.echo, components.federation.services, components.clusters.local.cluster",
        "heavy = ('pulumi_kubernetes.core.v1', 'pulumi_kubernetes.helm.v3', 'pulumi_aws', 'pulumi_gcp')",
        "print([name for name in sys.modules if name.startswith(heavy)])",
    )
    assert said == "[]\n"
