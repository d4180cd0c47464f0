"""Istio's images by digest, where the program chooses them. Pure functions."""

from collections.abc import Mapping
from typing import Any

from components.clusters.cluster import Platform
from components.mesh import node_agent
from components.mesh.settings import IstioSettings
from components.versions import digests

Values = dict[str, Any]
_NAMING = {"hub", "tag", "variant", "image"}


def values(platform: Platform, istio: IstioSettings) -> dict[str, Values]:
    """Return Helm values by chart, so that Istio's public charts take their images by digest.

    An image whose digest is not known is left to the chart; so are all where the user, or the kind of cluster, names
    charts or images.
    """
    given = istio.values.model_dump()
    ours = platform.charts == Platform.charts and not (istio.charts or istio.hub or istio.tag)
    if not ours or any(_names_images(given.get(chart) or {}) for chart in ("istiod", node_agent.CHART)):
        return {}
    version = istio.version or platform.version or ""
    pilot, proxy, agent = (_found(image, version) for image in ("pilot", "proxyv2", "install-cni"))
    istiod: Values = {"image": pilot} if pilot else {}
    if proxy:
        istiod["global"] = {"proxy": {"image": proxy}, "proxy_init": {"image": proxy}}
    return {
        **({"istiod": istiod} if istiod else {}),
        **({node_agent.CHART: {"image": agent}} if agent else {}),
    }


def _found(image: str, version: str) -> str:
    """Return one of Istio's images with its digest; "" if that is not known."""
    reference = digests.istio(image, version)
    return found if (found := digests.pinned(reference)) != reference else ""


def _names_images(values: Mapping[str, Any]) -> bool:
    everywhere = values.get("global") or {}
    proxies = [everywhere.get(key) or {} for key in ("proxy", "proxy_init")]
    return any(_NAMING & set(inner) for inner in (values, everywhere, *proxies))
