"""Checks of what everything else needs: API servers that answer, and let be read, and clocks that agree."""

from collections.abc import Iterable

from multimesh.check.federation import Federation
from multimesh.check.result import Check, Problem, Severity

_SKEW_WARNING, _SKEW = 30, 120
"""Seconds. istiod dates a certificate two minutes back (its `ClockSkewGracePeriod`); beyond that, proxies refuse it."""


def _answer(federation: Federation) -> Iterable[Problem]:
    for mesh, reason in federation.silent.items():
        yield Problem(mesh, reason, "start the cluster, or mend its kubeconfig; checks of its inside were left out")


def _readable(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in federation.clusters.items():
        for kind in cluster.refused:
            yield Problem(
                mesh, f"{kind} may not be read", "let the kubeconfig's user get and list it", Severity.UNKNOWN
            )


def _clocks(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in federation.clusters.items():
        seconds = abs(cluster.seconds_ahead)
        if seconds > _SKEW_WARNING:
            way = "ahead of" if cluster.seconds_ahead > 0 else "behind"
            severity = Severity.FAILED if seconds > _SKEW else Severity.WARNING
            yield Problem(mesh, f"its clock is {seconds:.0f} s {way} this machine's", "set the clocks by NTP", severity)


CHECKS = [
    Check("api-server", "Clusters", "every API server answers", _answer),
    Check("permissions", "Clusters", "everything may be read", _readable),
    Check("clock", "Clusters", "the clocks agree", _clocks),
]
