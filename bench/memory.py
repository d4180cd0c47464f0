"""The memory of the control planes and the proxies of this machine's meshes."""

from pathlib import Path

PROGRAMS = {"istiod": "pilot-discovery", "sidecars and gateways": "envoy"}


def resident() -> dict[str, float]:
    """Return the MiB that all processes of each program have in memory."""
    found = dict.fromkeys(PROGRAMS, 0.0)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "comm").read_text().strip()
            lines = (process / "status").read_text().splitlines()
        except OSError:  # it has ended
            continue
        for what, program in PROGRAMS.items():
            if name == program:
                found[what] += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024
    return found
