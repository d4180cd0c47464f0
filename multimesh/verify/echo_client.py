"""Istio's echo client, which is in the image of the sample service."""

from collections.abc import Callable

CLIENT = "/usr/local/bin/client"
PER_SECOND = 100
"""How many requests it starts in a second: so they do not queue behind each other."""

Run = Callable[[list[str]], tuple[str, str]]
"""Runs a command in a pod. Returns its standard output and, when it failed, the reason (else an empty text)."""
