"""The policy pack: `pulumi preview --policy-pack policy` fails if a resource breaks one of these rules.

The rules read the types and inputs of resources; no cloud's SDK is imported.
"""

import confidential
import instance_metadata
import labels
import open_ports
import peer_gateway
import volumes
from pulumi_policy import EnforcementLevel, PolicyPack

PolicyPack(
    "multimesh",
    policies=[
        open_ports.RULE,
        volumes.RULE,
        instance_metadata.RULE,
        peer_gateway.RULE,
        confidential.RULE,
        labels.RULE,
    ],
    enforcement_level=EnforcementLevel.MANDATORY,
)
