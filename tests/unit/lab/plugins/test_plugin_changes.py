"""What the Kubernetes stand-in calls a change, drift, and a reason to replace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.plugins.kubernetes.changes import Change, Mutable, Path, differences, dotted, moved, needs_replacement

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


@given(json)
def test_nothing_differs_from_itself(value: object) -> None:
    assert differences(value, value) == {}


@given(st.dictionaries(st.text(), json))
def test_inputs_stay_as_they_are_while_nothing_moves(inputs: dict[str, object]) -> None:
    assert moved(inputs, {"any": "thing"}, {"any": "thing"}) == inputs


def test_differences_are_as_deep_as_they_can_be() -> None:
    old = {"spec": {"ports": [{"port": 80}, {"port": 443}], "type": "ClusterIP"}}
    new = {"spec": {"ports": [{"port": 8080}], "selector": {"app": "echo"}, "type": "ClusterIP"}}

    assert differences(old, new) == {
        ("spec", "ports", 0, "port"): Change.UPDATE,
        ("spec", "ports", 1): Change.DELETE,
        ("spec", "selector"): Change.ADD,
    }


def test_true_is_not_one() -> None:
    assert differences({"a": True}, {"a": 1}) == {("a",): Change.UPDATE}


def test_a_fraction_without_a_rest_is_the_whole_number() -> None:
    assert differences({"a": 1.0}, {"a": 1}) == {}


def test_a_quantity_that_the_server_writes_in_another_way_has_not_moved() -> None:
    live = {"cpu": "500m", "added-by-the-server": 1}

    assert moved({"cpu": "0.5"}, live, live) == {"cpu": "0.5"}


def test_a_field_that_the_server_drops_has_not_moved() -> None:
    assert moved({"env": []}, {}, {}) == {"env": []}


def test_a_field_that_someone_changed_shows_its_live_value() -> None:
    before, now = {"replicas": 2, "paused": False}, {"replicas": 5, "paused": True}

    assert moved({"replicas": 2}, before, now) == {"replicas": 5}


def test_a_field_that_someone_removed_is_gone() -> None:
    assert moved({"labels": {"a": "1", "b": "2"}}, {"labels": {"a": "1", "b": "2"}}, {"labels": {"b": "2"}}) == {
        "labels": {"b": "2"}
    }


def test_an_item_that_someone_changed_leaves_its_neighbours_alone() -> None:
    inputs = [{"name": "a", "cpu": "1.0"}, {"name": "b", "image": "x:1"}]
    before = [{"name": "a", "cpu": "1"}, {"name": "b", "image": "x:1"}]
    now = [{"name": "a", "cpu": "1"}, {"name": "b", "image": "x:2"}]

    assert moved(inputs, before, now) == [{"name": "a", "cpu": "1.0"}, {"name": "b", "image": "x:2"}]


def test_a_list_that_someone_shortened_is_as_it_is_now() -> None:
    assert moved(["a", "b"], ["a", "b"], ["b"]) == ["b"]


@pytest.mark.parametrize(
    ("group", "kind", "path"),
    [
        ("", "ConfigMap", ("data", "key")),
        ("", "Secret", ("stringData", "key")),
        ("", "Secret", ("type",)),
        ("", "Service", ("spec", "clusterIP")),
        ("", "Service", ("metadata", "name")),
        ("", "Service", ("metadata", "namespace")),
        ("", "Pod", ("spec", "containers", 0, "image")),
        ("apps", "Deployment", ("spec", "selector", "matchLabels", "app")),
        ("apps", "StatefulSet", ("spec", "serviceName")),
        ("batch", "Job", ("spec", "template", "spec", "containers", 0, "image")),
        ("rbac.authorization.k8s.io", "RoleBinding", ("roleRef", "name")),
        ("apps", "Deployment", ("spec",)),
    ],
)
def test_what_cannot_be_changed_is_replaced(group: str, kind: str, path: Path) -> None:
    assert needs_replacement(path, group, kind, Mutable())


@pytest.mark.parametrize(
    ("group", "kind", "path"),
    [
        ("", "Secret", ("metadata", "labels", "app")),
        ("", "Service", ("spec", "ports", 0, "port")),
        ("", "Pod", ("spec", "tolerations", 0)),
        ("apps", "Deployment", ("spec", "template", "spec", "containers", 0, "image")),
        ("networking.istio.io", "Service", ("spec", "clusterIP")),
        ("networking.istio.io", "VirtualService", ("spec", "hosts", 0)),
    ],
)
def test_what_can_be_changed_is_updated(group: str, kind: str, path: Path) -> None:
    assert not needs_replacement(path, group, kind, Mutable())


@pytest.mark.parametrize("field", ["data", "stringData"])
def test_secrets_are_changed_in_place_when_told_so(field: str) -> None:
    assert not needs_replacement((field, "key"), "", "Secret", Mutable(secrets=True))


def test_the_type_of_a_secret_is_never_changed_in_place() -> None:
    assert needs_replacement(("type",), "", "Secret", Mutable(secrets=True))


def test_config_maps_are_changed_in_place_when_told_so() -> None:
    assert not needs_replacement(("data", "key"), "", "ConfigMap", Mutable(config_maps=True))


def test_a_path_is_written_as_pulumi_writes_it() -> None:
    path = ("metadata", "annotations", "example.com/key", "ports", 0)

    assert dotted(path) == 'metadata.annotations["example.com/key"].ports[0]'
