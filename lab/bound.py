"""End a program when another one ends: `python lab/bound.py PID OTHER` kills PID when OTHER has ended.

An API server without its etcd would answer a minute late, and wrongly count as one that is there. On a node of kubeadm,
the kubelet ends it: its liveness probe asks for etcd, too. (https://kubernetes.io/docs/reference/using-api/health-checks/)
"""

import os
import select
import signal
import sys


def bind(pid: int, other: int) -> None:
    """Wait until one of two processes has ended, then kill the first if it runs; return at once if one is gone."""
    try:
        bound, leader = os.pidfd_open(pid), os.pidfd_open(other)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([bound, leader], [], [])
    if bound not in ended:
        signal.pidfd_send_signal(bound, signal.SIGKILL)


if __name__ == "__main__":
    bind(*map(int, sys.argv[1:]))
