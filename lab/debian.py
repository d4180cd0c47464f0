"""The programs that come from Debian's packages. Standard library only, see preflight."""

import os
import subprocess
import sys

# package -> the programs that are used of it
PACKAGES = {
    "conntrack": ["conntrack"],
    "containernetworking-plugins": ["/usr/lib/cni/bridge"],
    "ethtool": ["ethtool"],
    "iproute2": ["ip"],
    "iptables": ["iptables"],
    "mmdebstrap": ["mmdebstrap"],
    "mount": ["mount"],
    "openssl": ["openssl"],
    "python3-cryptography": ["python3"],
    "python3-venv": ["python3"],
    "runc": ["runc"],
    "shellcheck": ["shellcheck"],
    "socat": ["socat"],
    "util-linux": ["nsenter"],
}


class InstallError(Exception):
    """apt-get did not install what is needed; the message ends with what it printed."""


def missing() -> list[str]:
    """Return the packages that are not installed."""
    listed = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *PACKAGES],
        capture_output=True,
        text=True,
        check=False,  # says 1 when a package is unknown, which is an answer
    ).stdout.splitlines()
    return [package for package in PACKAGES if f"{package} installed" not in listed]


def install() -> None:
    """Install what is missing, and nothing that Debian only recommends.

    Raises:
        InstallError: apt-get failed.
    """
    if not (absent := missing()):
        print("✓ Debian packages")
        return
    print(f"• Debian packages: {', '.join(absent)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *absent]):
        command = ["apt-get", "--quiet=2", *arguments]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        if done.returncode:
            raise InstallError(f"Debian packages: {' '.join(command)}: {done.stderr.strip()}")
    print("✓ Debian packages")


if __name__ == "__main__":
    try:
        install()
    except InstallError as failed:
        sys.exit(f"✗ {failed}")
