"""The entry point of `pulumi-resource-kubernetes`."""

from lab.plugins.kubernetes.provider import Kubernetes
from lab.plugins.server import serve

serve(Kubernetes())
