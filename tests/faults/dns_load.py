"""Queries for a name to a booted cluster's DNS, by its Service, from its worker; every answer is counted."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.e2e.kubeadm.booted import Booted, is_ready

AT_MOST = 800
"""Seconds that a load may last: less than a test may."""
_PROGRAM = """
import json, pathlib, socket, struct, sys, time
name = b"".join(bytes([len(part)]) + part.encode() for part in "kubernetes.default.svc.cluster.local".split("."))
question = struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + name + struct.pack(">xHH", 1, 1)
def ask():
    try:
        with socket.create_connection((sys.argv[1], 53), 2) as connected:
            connected.sendall(struct.pack(">H", len(question)) + question)
            with connected.makefile("rb") as answer:
                size, _, flags, _, answers = struct.unpack(">5H", answer.read(10))
                if answers != 1 or len(answer.read(size - 8)) != size - 8:
                    return f"flags {flags:x}, {answers} answers"
    except (OSError, struct.error) as error:
        return str(error)
def asked(pause):
    time.sleep(pause)
    return ask()
stop, deadline = pathlib.Path("/run/stop"), time.monotonic() + 60
while asked(0.2) and time.monotonic() < deadline: pass
begun, sent, failed = time.monotonic(), 0, []
while not stop.exists():
    sent += 1
    if reason := asked(0.05): failed.append(f"{time.monotonic() - begun:.1f} s: {reason}")
print(json.dumps({"sent": sent, "failed": failed}))
"""
"""Asks 20 times a second, until /run/stop is there."""


def pods(api: Any) -> list[Any]:
    return api.list_namespaced_pod("kube-system", label_selector="k8s-app=kube-dns").items


def is_whole(api: Any) -> bool:
    return len(found := pods(api)) == 2 and all(map(is_ready, found))


@contextmanager
def load(booted: Booted) -> Iterator[dict[str, Any]]:
    """Send queries; how many were `sent`, and when and why some `failed`, is there after the block."""
    with booted.api() as api:
        address = api.read_namespaced_service("kube-dns", "kube-system").spec.cluster_ip
    assert booted.eventually(is_whole)
    worker, counted = booted.machines["worker"], {}
    worker.run("rm", "-f", "/run/stop")
    command = ["/usr/bin/python3", "-c", _PROGRAM, address]
    thread = threading.Thread(target=lambda: counted.update(json.loads(worker.run(*command, seconds=AT_MOST))))
    thread.start()
    try:
        yield counted
    finally:
        worker.run("touch", "/run/stop")
        thread.join()
