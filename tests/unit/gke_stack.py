"""A stack of one mesh on Google Kubernetes Engine under mocks."""

from typing import Any

from recording import Recording, recorded


def cluster(**settings: Any) -> dict[str, Any]:
    return {
        "kind": "gke",
        "project": "shop-123456",
        "location": "europe-west1-b",
        "api_cidrs": ["100.64.1.2/32"],
        **settings,
    }


def gke(**settings: Any) -> Recording:
    return recorded({"meshes": {"west": {"cluster": cluster(**settings)}}})


def inputs(name: str, **settings: Any) -> dict[str, Any]:
    return gke(**settings)[name].inputs
