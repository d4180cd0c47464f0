"""Checks of what others tell sidecars to do with the names of exported services."""

from collections.abc import Iterable, Iterator

from multimesh.check.cluster import Cluster
from multimesh.check.federation import Federation, own_host
from multimesh.check.made import Key
from multimesh.check.result import Check, Problem, Severity
from multimesh.rules import KINDS, Rule, rule


def _foreign(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in federation.clusters.items():
        for one in _of_others(cluster, set(federation.made.objects.get(mesh, {}))):
            remedy = f"kubectl -n {one.namespace} delete {one.kind} {one.name}, or give it another host"
            for service in federation.services:
                where = f"{service} in {mesh}"
                if service in one.hosts or one.hides(service):
                    yield Problem(where, f"{one} is somebody's, for the same host", remedy)
                elif not _is_about_own_name(one, service, cluster.plane.cluster_domain):
                    continue
                elif federation.outputs.one_mesh:
                    yield Problem(where, f"{one} is somebody's, for the Service's own name", remedy)
                elif not one.mutual_tls_alone:
                    cause = f"{one} is for the Service's own name: calls by it may go another way"
                    yield Problem(where, cause, "see docs/services.md for rules of your own", Severity.WARNING)


def _of_others(cluster: Cluster, own: set[Key]) -> Iterator[Rule]:
    for kind in KINDS:
        for found in cluster.all(kind):
            about = found["metadata"]
            if Key(kind, about["namespace"], about["name"]) in own:
                continue
            if one := rule(kind, found, cluster.plane.root_namespace):
                yield one


def _is_about_own_name(one: Rule, service: str, domain: str) -> bool:
    host = own_host(service, domain)
    short = host.removesuffix(f".svc.{domain}")
    # A host without a dot is taken for one of the usual domain.
    names = (host, own_host(service), short, f"{short}.svc")
    return one.kind != "ServiceEntry" and not one.is_default and one.about(*names)


CHECKS = [Check("foreign-rules", "Services", "no rule of others is for the same host", _foreign)]
