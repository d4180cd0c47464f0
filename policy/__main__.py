"""The policy pack: `pulumi preview --policy-pack policy` fails if a resource breaks one of these rules.

The rules read the types and inputs of resources; no cloud's SDK is imported.
"""

import authorization
import confidential
import control_planes
import identities
import instance_metadata
import labels
import launch_templates
import mutual_tls
import open_ports
import peer_gateway
import volumes
from pulumi_policy import EnforcementLevel, PolicyPack

PolicyPack(
    "multimesh",
    policies=[
        open_ports.RULE,
        control_planes.RULE,
        identities.RULE,
        volumes.RULE,
        instance_metadata.RULE,
        launch_templates.RULE,
        peer_gateway.RULE,
        mutual_tls.RULE,
        authorization.RULE,
        confidential.RULE,
        labels.RULE,
    ],
    enforcement_level=EnforcementLevel.MANDATORY,
)
