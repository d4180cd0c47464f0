"""What is left on this machine of clusters that are gone."""

from collections.abc import Iterator

from lab import allocation, cgroups, network, paths


def remains() -> dict[str, list[str]]:
    """Return by id what is there of clusters that the machine does not have any more; `cluster.destroy` removes it."""
    with allocation.lock(paths.STATE.parent):  # nobody makes or removes a cluster's folder meanwhile
        known = {cluster.id for cluster in allocation.find_all()}
        found: dict[str, list[str]] = {}
        for id, what in _traces():
            if id not in known:
                found.setdefault(id, []).append(what)
    return dict(sorted(found.items()))


def _traces() -> Iterator[tuple[str, str]]:
    for folder in (paths.STATE, paths.RUN):
        for entry in folder.glob("mm*"):
            if allocation.is_id(entry.name):
                yield entry.name, f"folder {entry}"
    for id, what in (*network.traces(), *cgroups.traces()):
        if allocation.is_id(id):
            yield id, what
