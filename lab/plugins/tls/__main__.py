"""The entry point of `pulumi-resource-tls`."""

from lab.plugins import official

official.give_way("tls")

from lab.plugins.server import serve  # noqa: E402 slow, and of no use to the official plugin
from lab.plugins.tls.provider import Tls  # noqa: E402 the same

serve(Tls())
