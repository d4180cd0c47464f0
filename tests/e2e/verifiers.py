"""What OpenSSL and Go say of a certificate that is in use."""

import subprocess
from pathlib import Path

from lab.environment import CHECKOUT

_IN_GO = CHECKOUT / "tests/unit/trust/verify/main.go"


def refusals(folder: Path, root: str, chain: str, leaf: str) -> list[str]:
    """Return what OpenSSL and Go have against a certificate (PEM) below `root` with the CAs in `chain`; [] is best."""
    paths = [folder / name for name in ("root.pem", "chain.pem", "leaf.pem")]
    for path, pem in zip(paths, (root, chain, leaf), strict=True):
        path.write_text(pem)
    anchor, between, last = map(str, paths)
    strictly = ["openssl", "verify", "-x509_strict", "-CAfile", anchor, "-untrusted", between, last]
    said = [
        subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        for command in (strictly, ["go", "run", str(_IN_GO), anchor, between, last])
    ]
    lines = [(one.stdout + one.stderr).strip() for one in said]
    return [line for line in lines if line not in (f"{last}: OK", "OK")]
