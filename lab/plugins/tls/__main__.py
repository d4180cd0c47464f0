"""The entry point of `pulumi-resource-tls`."""

from lab.plugins.server import serve
from lab.plugins.tls.provider import Tls

serve(Tls())
