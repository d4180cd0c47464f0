"""Every kind of cluster has the same skeleton, and its settings and preflight import no cloud's SDK."""

from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
from interpreter import printed_by

from components.clusters import kinds
from components.clusters.cluster import Cluster

CHECKOUT = Path(__file__).parents[3]


def test_the_registry_names_the_component_of_every_kind() -> None:
    kinds_of_settings = {get_args(one.model_fields["kind"].annotation)[0] for one in get_args(kinds.ClusterSettings)}
    assert kinds_of_settings == set(kinds.COMPONENTS)


@pytest.mark.parametrize("kind", kinds.COMPONENTS)
def test_a_kind_has_settings_a_preflight_and_a_component(kind: str) -> None:
    modules = {
        name: import_module(f"components.clusters.{kind}.{name}") for name in ("settings", "preflight", "cluster")
    }
    assert issubclass(getattr(modules["cluster"], kinds.COMPONENTS[kind]), Cluster)
    assert callable(modules["preflight"].missing)
    assert callable(modules["preflight"].unreadable)
    assert callable(modules["preflight"].pod_cidrs)


def test_settings_and_preflights_import_no_sdk_of_a_cloud() -> None:
    said = printed_by(
        "import sys",
        "from importlib import import_module",
        "from components.clusters import kinds",
        "for kind in kinds.COMPONENTS: import_module(f'components.clusters.{kind}.preflight')",
        "print([name for name in ('pulumi_aws', 'pulumi_gcp', 'kubernetes') if name in sys.modules])",
    )
    assert said == "[]\n"
