"""The IAM role of nodes: they read the secrets of their own role, and accept sessions of Session Manager."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.clusters.ec2.scope import Scope

CONTROL_PLANE, WORKER = "control-plane", "worker"
"""The roles of nodes."""
_SESSIONS = (
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)


@dataclass(frozen=True)
class Identity:
    """The instance profile of nodes of one role, and where their secrets are."""

    profile: aws.iam.InstanceProfile
    parameters: pulumi.Output[str]
    """The path of their secrets in Parameter Store."""
    files: tuple[str, ...]
    ready: list[pulumi.Resource]
    """The resources that must exist before such a node boots."""


def policy(region: str, account: str, parameters: str, *, approves: bool) -> str:
    """Return the IAM policy of a node (JSON): it allows reading its own parameters by name, and sessions.

    A node that `approves` other nodes' certificates asks EC2 for their addresses; EC2 knows no narrower permission.

    It is not AWS's AmazonSSMManagedInstanceCore, which allows reading every parameter of the account, including the
    control plane's keys. The policy of the key that encrypts them allows the role to decrypt (`secrets_key`).
    Source:
    https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
    """
    own = f"arn:aws:ssm:{region}:{account}:parameter{parameters}/*"
    statements = [
        {"Effect": "Allow", "Action": ["ssm:GetParameters"], "Resource": [own]},
        {"Effect": "Allow", "Action": list(_SESSIONS), "Resource": ["*"]},
        *([{"Effect": "Allow", "Action": ["ec2:DescribeInstances"], "Resource": ["*"]}] if approves else []),
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True)


def node_role(scope: Scope, role: str) -> aws.iam.Role:
    """Create the IAM role that the nodes of a role have."""
    assumed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    return aws.iam.Role(
        f"{scope.mesh}-{role}-role",
        name_prefix=_prefix(scope, role),
        assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [assumed]}, sort_keys=True),
        tags=scope.named(role),
        opts=scope.options(),
    )


def make(
    scope: Scope, role: str, node: aws.iam.Role, key: aws.kms.Key, files: Mapping[str, pulumi.Output[str]]
) -> Identity:
    """Create a role's secrets, encrypted with `key`, and the instance profile of `node` that may read them.

    `files` maps the path of each file on the node to its content; it must contain `token`.
    """
    parameters = {
        file: aws.ssm.Parameter(
            f"{scope.mesh}-{role}-{file.replace('/', '-')}",
            name=f"/{pulumi.get_project()}/{pulumi.get_stack()}/{scope.mesh}/{role}/{file}",
            type="SecureString",
            key_id=key.arn,
            value=pulumi.Output.secret(content),
            tags=scope.named(f"{role}-{file}"),
            # Existing nodes read the path in their user data, which has the name that the stack had at that time.
            opts=scope.options(ignore_changes=["name"]),
        )
        for file, content in files.items()
    }
    path = parameters["token"].name.apply(lambda name: name.removesuffix("/token"))
    account = scope.look_up("aws:index/getCallerIdentity:getCallerIdentity", {}, ("profile",), None)
    allowed = aws.iam.RolePolicy(
        f"{scope.mesh}-{role}-policy",
        role=node.id,
        policy=pulumi.Output.all(account, path).apply(
            lambda known: policy(scope.region, known[0]["accountId"], known[1], approves=role == CONTROL_PLANE)
        ),
        opts=scope.options(),
    )
    profile = aws.iam.InstanceProfile(
        f"{scope.mesh}-{role}-profile",
        name_prefix=_prefix(scope, role),
        role=node.name,
        tags=scope.named(role),
        opts=scope.options(),
    )
    return Identity(profile, path, tuple(files), [*parameters.values(), allowed])


def _prefix(scope: Scope, role: str) -> str:
    """Return the name prefix, at most 38 characters; AWS appends a suffix."""
    return f"{scope.mesh[:20].rstrip('-')}-{role}-"
