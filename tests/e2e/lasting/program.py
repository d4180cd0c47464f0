"""A Pulumi program of what must last: a root CA, and the settings of a cluster in a cloud that nobody asks for one."""

import pulumi

from components.clusters.immutable import ImmutableSettings
from components.trust.ca import RootCa

config = pulumi.Config("lasting")
ImmutableSettings(
    "cloud-settings",
    "cloud",
    {"location": config.require("location")},
    pulumi.ResourceOptions(),
    {"control_plane.nodes": config.require_int("nodes")},
)
pulumi.export("root", RootCa("root", {"validity_days": 3650, "intermediate_days": 365}).fingerprint)
