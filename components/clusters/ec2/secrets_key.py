"""The key that encrypts a cluster's secrets in Parameter Store: the nodes' roles decrypt with it, each its own secrets.

The account's common key, `aws/ssm`, decrypts for everybody in the account who may read parameters.
Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/security-kms-encryption.html
"""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from components.clusters.ec2.scope import Scope

_MANAGEMENT = (
    *(f"kms:{verb}*" for verb in ("Describe", "Disable", "Enable", "Get", "List", "Put", "Update")),
    "kms:CancelKeyDeletion",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
)
"""What the account's administrators may do: nothing that decrypts, and no grant that would let others."""


def policy(scope_of: tuple[str, str, str], deployer: str, roles: Mapping[str, str]) -> str:
    """Return the key's policy (JSON).

    `scope_of` is (region, account, mesh). `deployer` is the ARN of who runs `pulumi up`, whose provider writes the
    parameters and reads them again. `roles` are the ARNs of the nodes' roles by the name of the role.
    """
    region, account, mesh = scope_of
    via = {"kms:ViaService": f"ssm.{region}.amazonaws.com"}
    parameters = f"arn:aws:ssm:{region}:{account}:parameter/*/{mesh}"
    statements = [
        _statement("Administration", f"arn:aws:iam::{account}:root", _MANAGEMENT),
        _statement("Deployer", deployer, ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"), {"StringEquals": via}),
        *(
            _statement(
                f"Nodes{index}",
                arn,
                ("kms:Decrypt",),
                {
                    "StringEquals": via,
                    "StringLike": {"kms:EncryptionContext:PARAMETER_ARN": f"{parameters}/{role}/*"},
                },
            )
            for index, (role, arn) in enumerate(sorted(roles.items()))
        ),
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True)


def make(scope: Scope, roles: Mapping[str, aws.iam.Role]) -> aws.kms.Key:
    """Create the key; AWS deletes it 7 days after `pulumi destroy`."""
    caller = scope.look_up("aws:index/getCallerIdentity:getCallerIdentity", {}, ("profile",), None)
    # Of a session, the role that it is a session of: sessions come and go.
    context = caller.apply(
        lambda known: scope.look_up(
            "aws:iam/getSessionContext:getSessionContext", {"arn": known["arn"]}, ("profile",), None
        )
    )
    known = pulumi.Output.all(caller, context, *(role.arn for role in roles.values()))
    return aws.kms.Key(
        f"{scope.mesh}-secrets-key",
        description=f"Secrets of the nodes of mesh {scope.mesh}",
        enable_key_rotation=True,
        deletion_window_in_days=7,
        policy=known.apply(
            lambda known: policy(
                (scope.region, known[0]["accountId"], scope.mesh),
                known[1]["issuerArn"],
                dict(zip(roles, known[2:], strict=True)),
            )
        ),
        tags=scope.named("secrets"),
        opts=scope.options(),
    )


def _statement(name: str, principal: str, actions: tuple[str, ...], condition: Any = None) -> dict[str, Any]:
    statement = {"Sid": name, "Effect": "Allow", "Principal": {"AWS": principal}, "Action": list(actions)}
    return {**statement, "Resource": "*", **({"Condition": condition} if condition else {})}
