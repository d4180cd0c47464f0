"""Renew the digests of the images that the program names; part of `make requirements`."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import httpx

from components.versions import digests, registry


def renew(file: Path, references: Iterable[str], client: httpx.Client) -> list[str]:
    """Write what the registries have under these names; return a line for each that could not be asked.

    Such an image keeps the digest that it has. Those of other names go.
    """
    known, missed = json.loads(file.read_text()), []
    found: dict[str, str] = {}
    for reference in references:
        try:
            found[reference] = registry.digest(reference, client)
        except registry.RegistryError as error:
            missed.append(f"{reference}: {error}. It stays pinned as it was: {known.get(reference, 'by its tag')}")
            found |= {reference: known[reference]} if reference in known else {}
    file.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")
    return missed


def main() -> int:
    """Renew the file of the checkout; return the exit code."""
    with httpx.Client(timeout=30, follow_redirects=True) as client:
        missed = renew(Path(str(digests.FILE)), digests.named(), client)
    for line in missed:
        print(line, file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
