"""Remove what setup built and installed. Standard library only: the environment is among what goes."""

import shutil
import sys
from pathlib import Path

from lab.paths import CACHE, STATE

CHECKOUT = Path(__file__).parent.parent


def main() -> str | None:
    """Remove everything and return None, or return why nothing was removed."""
    if running := sorted(folder.name for folder in STATE.glob("*/")):
        return f"Clusters still use what would be removed: {', '.join(running)}. Destroy their stacks first."
    for folder in (CACHE, CHECKOUT / ".state/bin", CHECKOUT / ".venv", CHECKOUT / ".venv-scan"):
        shutil.rmtree(folder, ignore_errors=True)
        print(f"✓ removed {folder}")
    return None


if __name__ == "__main__":
    sys.exit(main())
