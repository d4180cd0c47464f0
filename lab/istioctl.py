"""Build istioctl and put it on PATH for `multimesh check`; after setup, which builds what clusters need."""

import sys

from lab import toolchain
from lab.environment import BIN
from lab.paths import TOOLS


def main() -> None:
    """Build it, unless it is there, and link it into the checkout."""
    toolchain.build_istioctl()
    link = BIN / "istioctl"
    link.unlink(missing_ok=True)
    link.symlink_to(TOOLS / "istioctl")


if __name__ == "__main__":
    try:
        main()
    except toolchain.ToolchainError as failed:
        sys.exit(f"✗ {failed}")
