"""Stand-ins for two official Pulumi provider plugins, for machines that cannot download those.

Each is a gRPC server that answers the same resource types with the same inputs, outputs, secrets and replacement rules.
The engine finds them on PATH as `pulumi-resource-<name>`; the program does not know which one answers.
"""
