"""The meshes of a stack whose control planes somebody else runs: read, and compared with what federation needs."""

from collections.abc import Iterator, Mapping

import pulumi

from components.clusters.existing import preflight
from components.clusters.existing.settings import ExistingClusterSettings
from components.clusters.kubeconfig import KubeconfigError
from components.federation.members import Members
from components.mesh import control_plane
from components.mesh.control_plane import Found, NotJoinedError
from components.schema.problems import SettingsError, problem, report
from components.settings import Settings

_WAYS = (
    "Meshes are federated under one root: set trust.root to the one that signed this mesh's CA, or give istiod a CA "
    "that the root in trust.root signed, as docs/existing.md describes"
)


def read(stack: Settings, members: Members) -> dict[str, Found]:
    """Return the control planes that somebody else runs, by mesh.

    Raise SettingsError listing everything that federation needs of them and that they lack.
    """
    found, wrong = dict[str, Found](), list[str]()
    for mesh in stack.joined:
        settings = stack.meshes[mesh].cluster
        assert isinstance(settings, ExistingClusterSettings)  # noqa: S101  installation.mistakes refuses others
        path = ("meshes", mesh, "istio", "install")
        try:
            found[mesh] = preflight.look(
                settings, lambda read, mesh=mesh: control_plane.find(read, stack.meshes[mesh].istio.revision)
            )
        except (KubeconfigError, NotJoinedError) as error:
            wrong.append(problem(path, False, str(error)))
        else:
            wrong += _mistakes(stack, members, mesh, found[mesh])
    if wrong:
        raise SettingsError(report(wrong))
    return found


def notes(found: Mapping[str, Found]) -> Iterator[str]:
    """Yield a line for each control plane that is joined; warn of aliases, and of a CA that could sign for all."""
    for mesh, one in found.items():
        plane = one.plane
        yield (
            f"mesh {mesh}: joins the control plane {one}, revision {plane.revision}, and adds {plane.gateway} in "
            f"{plane.root_namespace}"
        )
        if aliases := one.mesh_config.get("trustDomainAliases"):
            pulumi.log.warn(
                f"mesh {mesh}: {one} takes identities of {', '.join(aliases)} for its own "
                "(meshConfig.trustDomainAliases), but exported services and other meshes refuse them: restart the "
                f"workloads that have them, which then get {one.mesh_config.get('trustDomain')}"
            )
        if not one.certificates.confined():
            pulumi.log.warn(
                f"mesh {mesh}: the CA of {one} has no name constraints, so whoever has its key is every mesh of the "
                "federation: have it signed with those that docs/security.md describes"
            )


def _mistakes(stack: Settings, members: Members, mesh: str, found: Found) -> Iterator[str]:
    domain = stack.trust_domains(mesh)[0]
    has = found.mesh_config.get("trustDomain") or "cluster.local"
    if found.mesh_config and has != domain:
        yield problem(
            ("meshes", mesh, "trust_domain"),
            domain,
            f"is {has} in {found} (meshConfig.trustDomain): set this key to that, or the Helm value to this; its "
            "workloads get a new one when they restart",
        )
    settings = stack.meshes[mesh].cluster
    if isinstance(settings, ExistingClusterSettings) and settings.dns_domain != found.plane.cluster_domain:
        yield problem(
            ("meshes", mesh, "cluster", "dns_domain"),
            settings.dns_domain,
            f"is {found.plane.cluster_domain} in {found} (global.proxy.clusterDomain): set this key to that",
        )
    install = ("meshes", mesh, "istio", "install")
    faults = list(found.certificates.faults(members.root, domain))
    yield from (problem(install, False, f"{found} {fault}. {_WAYS}") for fault in faults[:1])
    others = {domain for name, domains in members.trust_domains.items() if name != mesh for domain in domains}
    for lack in control_plane.lacks(found, others, members.root):
        yield problem(install, False, lack)
    if members.revokes:
        yield problem(
            install,
            False,
            f"proxies check revocation lists of all CAs (trust.revoked), and {found} signs none: renew the CAs instead",
        )
    for index, service in enumerate(stack.services):
        if service.namespace == found.plane.root_namespace and mesh in service.meshes:
            yield problem(
                ("services", index, "namespace"),
                service.namespace,
                f"must not be the root namespace of mesh {mesh}, whose policies hold for every namespace",
            )
