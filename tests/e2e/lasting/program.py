"""A Pulumi program of what must last: a root CA, and the settings of a cluster in a cloud that nobody asks for one."""

import pulumi

from components.clusters.immutable import ImmutableSettings
from components.trust import RootCa

location = pulumi.Config("lasting").require("location")
ImmutableSettings("cloud-settings", "cloud", {"location": location}, pulumi.ResourceOptions())
pulumi.export("root", RootCa("root", {"validity_days": 3650, "intermediate_days": 365}).fingerprint)
