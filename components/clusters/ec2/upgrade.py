"""The upgrade of a cluster's Kubernetes: nodes read the version that is wanted, the control plane's before the workers.

A control-plane node looks every minute, and upgrades itself when it is its turn (`kubeadm/node/upgrade-kubernetes`).
Workers are replaced, by a launch template for each version.
"""

import pulumi
import pulumi_aws as aws

from components.clusters.ec2.identity import Identity
from components.clusters.ec2.scope import Scope
from components.clusters.ec2.settings import Ec2ClusterSettings
from components.clusters.kubeadm.user_data import WANTED_VERSION
from components.clusters.kubernetes_version import KubernetesVersion


def make(
    scope: Scope,
    settings: Ec2ClusterSettings,
    control_plane: Identity,
    key: aws.kms.Key,
    kubeconfig: pulumi.Output[str],
) -> KubernetesVersion:
    """Name the wanted version beside the control plane's secrets; return what waits until its nodes have it.

    It is encrypted with `key` as they are, though it is no secret.
    """
    wanted = aws.ssm.Parameter(
        f"{scope.mesh}-{WANTED_VERSION}",
        name=pulumi.Output.format("{0}/{1}", control_plane.parameters, WANTED_VERSION),
        type="SecureString",
        key_id=key.arn,
        value=settings.kubernetes_version,
        tags=scope.named(WANTED_VERSION),
        opts=scope.options(),
    )
    return KubernetesVersion(
        f"{scope.mesh}-kubernetes-version-reached",
        scope.mesh,
        settings.kubernetes_version,
        kubeconfig,
        f"Look on the nodes in a session of Session Manager in {settings.region}: "
        "sudo journalctl -u multimesh-upgrade. Then run `pulumi up` again",
        pulumi.ResourceOptions(parent=scope.component, depends_on=[wanted]),
    )
