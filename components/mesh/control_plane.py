"""A control plane that somebody else runs, as its cluster tells it. Pure functions on what is read there."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

import yaml

from components.clusters.existing.occupied import Read, is_ours
from components.istio import JOINED_GATEWAY
from components.trust.found_ca import Certificates
from multimesh.control_plane import ControlPlane
from multimesh.hosts import CLUSTER_DOMAIN

_ISTIODS = "/apis/apps/v1/deployments?labelSelector=app%3Distiod"


class NotJoinedError(Exception):
    """There is no control plane that can be joined; the message says why, and what to do."""


@dataclass(frozen=True)
class Found:
    """A control plane: where it is, its MeshConfig, what its proxies get, its variables, and its certificates."""

    plane: ControlPlane
    name: str
    """The name of its Deployment."""
    available: int
    """How many of its pods are available."""
    mesh_config: Mapping[str, Any]
    certificates: Certificates
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    """Those of the root namespace."""

    def __str__(self) -> str:
        return f"{self.plane.namespace}/{self.name}"


def find(read: Read, revision: str | None) -> Found:
    """Return the control plane of a cluster, the one of this revision if there are several. Raise NotJoinedError."""
    deployments = read(_ISTIODS)
    if any(map(is_ours, deployments)):
        raise NotJoinedError(
            "the control plane in the cluster is one that multimesh installed: remove install: false; without it, "
            "`pulumi up` would uninstall what its workloads need"
        )
    by_revision = {_revision(one): one for one in deployments}
    if not by_revision:
        raise NotJoinedError("no control plane runs in the cluster (Deployment with app=istiod): remove install: false")
    if revision is None and len(by_revision) > 1:
        raise NotJoinedError(
            f"control planes of several revisions run in the cluster: set istio.revision to one of "
            f"{', '.join(sorted(by_revision))}"
        )
    chosen = by_revision.get(revision or next(iter(by_revision)))
    if chosen is None:
        raise NotJoinedError(f"no control plane of revision {revision} runs, but {', '.join(sorted(by_revision))}")
    return _found(read, chosen)


def _revision(deployment: Mapping[str, Any]) -> str:
    return (deployment["metadata"].get("labels") or {}).get("istio.io/rev") or "default"


def _found(read: Read, deployment: Mapping[str, Any]) -> Found:
    about = deployment["metadata"]
    namespace, plane = about["namespace"], ControlPlane(revision=_revision(deployment))
    core = f"/api/v1/namespaces/{namespace}"
    config = _document(_data(read, f"{core}/configmaps/istio{plane.suffix}").get("mesh"), yaml.safe_load)
    injector = _document(_data(read, f"{core}/configmaps/istio-sidecar-injector{plane.suffix}").get("values"), _json)
    proxy = (injector.get("global") or {}).get("proxy") or {}
    secret = _data(read, f"{core}/secrets/cacerts")
    containers = deployment["spec"]["template"]["spec"]["containers"]
    root = config.get("rootNamespace") or namespace
    labels = next((found["metadata"].get("labels") for found in read(f"/api/v1/namespaces/{root}")), None)
    return Found(
        ControlPlane(
            namespace=namespace,
            root_namespace=root,
            revision=plane.revision,
            gateway=JOINED_GATEWAY,
            cluster_domain=proxy.get("clusterDomain") or CLUSTER_DOMAIN,
            installed=False,
        ),
        about["name"],
        (deployment.get("status") or {}).get("availableReplicas") or 0,
        config,
        Certificates(
            _data(read, f"{core}/configmaps/istio-ca-root-cert").get("root-cert.pem") or "",
            _decoded(secret, "ca-cert.pem") or _decoded(secret, "tls.crt"),
            _decoded(secret, "cert-chain.pem") or _decoded(secret, "tls.crt") or "",
        ),
        {one["name"]: one.get("value") or "" for container in containers for one in container.get("env") or []},
        labels or {},
    )


def _data(read: Read, path: str) -> Mapping[str, str]:
    return next((found.get("data") or {} for found in read(path)), {})


def _decoded(secret: Mapping[str, str], name: str) -> str | None:
    try:
        return base64.b64decode(secret[name]).decode()
    except (KeyError, binascii.Error, UnicodeDecodeError):
        return None


def _json(text: str) -> Any:
    return json.loads(text)


def _document(text: str | None, parsed: Any) -> Mapping[str, Any]:
    try:
        document = parsed(text or "")
    except (yaml.YAMLError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def lacks(found: Found, others: Set[str], root_pem: str | None) -> Iterator[str]:
    """Yield what federation needs of a control plane and lacks, key by key, with the Helm value to set.

    `others` are the trust domains of the other meshes; `root_pem` is the root's certificate.
    """
    config, chart = found.mesh_config, f"the Helm values of istiod (`{found}`)"
    if not found.available:
        yield f"{found} has no available pod: see `kubectl -n {found.plane.namespace} describe deployment {found.name}`"
    if not config:
        yield f"{found} has no MeshConfig that can be read (ConfigMap istio{found.plane.suffix})"
        return
    metadata = (config.get("defaultConfig") or {}).get("proxyMetadata") or {}
    if str(metadata.get("ISTIO_META_DNS_CAPTURE")).lower() != "true":
        yield (
            "sidecars would not resolve global names: set meshConfig.defaultConfig.proxyMetadata."
            f'ISTIO_META_DNS_CAPTURE: "true" in {chart}, and restart the workloads that call'
        )
    if missing := _unaccepted(config, others, root_pem):
        listed = ", ".join(missing)
        yield (
            f"its proxies would refuse the trust domains {listed}: set meshConfig.caCertificates: "
            f"[{{pem: <the root's certificate>, trustDomains: [{listed}]}}] in {chart}"
        )
    if aliases := sorted(others & {*(config.get("trustDomainAliases") or [])}):
        yield (
            f"its policies would take identities of {', '.join(aliases)} for its own: remove them from "
            f"meshConfig.trustDomainAliases in {chart}"
        )
    if config.get("enableAutoMtls") is False:
        yield f"its proxies would call in plaintext: remove meshConfig.enableAutoMtls in {chart}"
    for key in ("defaultServiceExportTo", "defaultVirtualServiceExportTo", "defaultDestinationRuleExportTo"):
        if (said := config.get(key)) and "*" not in said:
            yield f"routes would be hidden from other namespaces: add '*' to meshConfig.{key} in {chart}"
    if not _discovers(config, found.labels):
        yield (
            f"istiod would not read the routes: add the labels of the namespace {found.plane.root_namespace} to "
            f"meshConfig.discoverySelectors in {chart}"
        )
    if found.env.get("PILOT_ENABLE_IP_AUTOALLOCATE", "true").lower() == "false":
        yield f"global names would get no addresses: remove env.PILOT_ENABLE_IP_AUTOALLOCATE in {chart}"


def _discovers(config: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Return whether istiod reads a namespace with these labels; of expressions it is taken to."""
    selectors = config.get("discoverySelectors") or []
    return not selectors or any(
        one.get("matchExpressions") or (one.get("matchLabels") or {}).items() <= labels.items() for one in selectors
    )


def _unaccepted(config: Mapping[str, Any], others: Set[str], root_pem: str | None) -> list[str]:
    """Return the trust domains that no entry of caCertificates has with this root."""
    wanted = _base64(root_pem or "")
    listed = {
        domain
        for entry in config.get("caCertificates") or []
        if wanted and wanted in _base64(entry.get("pem") or "")
        for domain in entry.get("trustDomains") or []
    }
    return sorted(others - listed)


def _base64(pem: str) -> str:
    """Return the content of PEM certificates without line breaks, which differ between writers."""
    return "".join(pem.split())
