"""The entry point of `pulumi-resource-kubernetes`."""

from lab.plugins import official

official.give_way("kubernetes")

from lab.plugins.kubernetes.provider import Kubernetes  # noqa: E402 slow, and of no use to the official plugin
from lab.plugins.server import serve  # noqa: E402 the same

serve(Kubernetes())
