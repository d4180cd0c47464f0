"""The resource Release of the Kubernetes stand-in, with a helm that only writes down what it is told."""

from pathlib import Path

import pytest
from plugin_api_server import ApiServer
from plugin_helm import INPUTS, MANIFEST, RELEASE, URN, FakeHelm, recorded
from plugin_requests import check, configured, diff

from lab.plugins.kubernetes import rendering
from lab.plugins.kubernetes.helm import HelmError
from lab.plugins.kubernetes.installation import Installation
from lab.plugins.kubernetes.provider import Kubernetes
from lab.plugins.protocol import provider_pb2
from lab.plugins.server import PartialError
from lab.plugins.values import UNKNOWN, Properties, Secret, decode, encode, reveal


@pytest.fixture
def provider(server: ApiServer) -> Kubernetes:
    return configured(kubeconfig=server.kubeconfig)


def test_checked_inputs_are_those_of_the_program(provider: Kubernetes, helm: FakeHelm) -> None:
    inputs = check(provider, INPUTS | {"compat": "true", "atomic": False}, RELEASE)

    assert inputs.keys() == INPUTS.keys()
    assert helm.verbs == ["template"]


def test_a_chart_that_does_not_render_fails_the_check(
    provider: Kubernetes, helm: FakeHelm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELM_FAILS", "template")
    answer = provider.check(provider_pb2.CheckRequest(urn=URN, news=encode(INPUTS)))

    assert "check the chart name and repository configuration" in answer.failures[0].reason
    assert helm.verbs == ["template"]


@pytest.fixture
def chart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A chart in a folder, and a folder of the test's own for what it renders to."""
    monkeypatch.setattr(rendering, "KEPT", tmp_path / "kept")
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "templates/all.yaml").write_text("kind: ServiceAccount")
    return chart


def test_a_chart_in_a_folder_is_rendered_once(
    provider: Kubernetes, helm: FakeHelm, chart: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELM_OUTPUT", MANIFEST)
    first, second = (check(provider, INPUTS | {"chart": str(chart)}, RELEASE) for _ in range(2))

    assert first == second
    assert helm.verbs == ["template"]


def test_a_changed_chart_or_changed_values_are_rendered_again(
    provider: Kubernetes, helm: FakeHelm, chart: Path
) -> None:
    check(provider, INPUTS | {"chart": str(chart)}, RELEASE)
    check(provider, INPUTS | {"chart": str(chart), "values": {"replicas": 3}}, RELEASE)
    (chart / "templates/all.yaml").write_text("kind: Deployment")
    check(provider, INPUTS | {"chart": str(chart)}, RELEASE)

    assert helm.verbs == ["template"] * 3


def test_a_chart_that_does_not_render_is_tried_again(
    provider: Kubernetes, helm: FakeHelm, chart: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELM_FAILS", "template")
    for _ in range(2):
        news = encode(INPUTS | {"chart": str(chart)})
        assert provider.check(provider_pb2.CheckRequest(urn=URN, news=news)).failures

    assert helm.verbs == ["template"] * 2


def test_a_chart_whose_values_are_not_known_yet_is_not_rendered(provider: Kubernetes, helm: FakeHelm) -> None:
    check(provider, INPUTS | {"values": {"key": UNKNOWN}}, RELEASE)

    assert helm.verbs == []


def test_value_files_lie_under_the_values(provider: Kubernetes, helm: FakeHelm, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("a: {b: file, c: file}")
    file = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "path": f"{tmp_path}/values.yaml"}
    inputs = check(provider, INPUTS | {"valueYamlFiles": [file], "values": {"a": {"b": "given"}}}, RELEASE)

    assert inputs["values"] == {"a": {"b": "given", "c": "file"}}
    assert helm.verbs


def created(provider: Kubernetes, inputs: Properties) -> Properties:
    return decode(provider.create(provider_pb2.CreateRequest(urn=URN, properties=encode(inputs))).properties)


def test_a_release_says_what_helm_recorded(provider: Kubernetes, server: ApiServer, helm: FakeHelm) -> None:
    recorded(server, "deployed")
    state = created(provider, INPUTS)

    assert state["status"] == {
        "appVersion": "9",
        "chart": "echo",
        "name": "echo",
        "namespace": "demo",
        "revision": 1,
        "status": "deployed",
        "version": "1.2.3",
    }
    assert helm.verbs


def test_secret_values_stay_secret(provider: Kubernetes, server: ApiServer, helm: FakeHelm) -> None:
    recorded(server, "deployed")
    state = created(provider, INPUTS | {"values": {"password": Secret("hidden"), "user": "seen"}})

    assert state["values"] == {"password": Secret("hidden"), "user": "seen"}
    assert isinstance(state["__inputs"], Secret)
    assert helm.runs[0]["--values"] == {"password": "hidden", "user": "seen"}


def test_a_release_that_failed_is_kept_in_the_state_to_be_tried_again(
    provider: Kubernetes, server: ApiServer, helm: FakeHelm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(self: Installation) -> None:
        recorded(server, "failed")
        self.helm.run("install")

    monkeypatch.setenv("HELM_FAILS", "install")
    monkeypatch.setattr(Installation, "install", install)

    with pytest.raises(PartialError, match="failed to initialize completely") as raised:
        created(provider, INPUTS)
    assert raised.value.properties["status"]["status"] == "failed"
    assert helm.verbs


@pytest.mark.parametrize("status", ["deployed", "failed", "pending-install"])
def test_a_release_that_is_in_the_way_does_not_enter_the_state(
    provider: Kubernetes, server: ApiServer, helm: FakeHelm, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setenv("HELM_FAILS", "install")
    recorded(server, status)

    with pytest.raises(HelmError):
        created(provider, INPUTS)
    assert helm.verbs == ["install"]


def read(provider: Kubernetes, state: Properties) -> Properties:
    request = provider_pb2.ReadRequest(id="demo/echo", urn=URN, properties=encode(state))
    return decode(provider.read(request).inputs)


def test_refresh_of_what_nobody_changed_keeps_the_inputs(
    provider: Kubernetes, server: ApiServer, helm: FakeHelm
) -> None:
    recorded(server, "deployed")
    inputs = INPUTS | {"values": {"replicas": Secret(2)}}

    assert read(provider, created(provider, inputs)) == inputs
    assert helm.verbs


def test_refresh_shows_values_that_were_changed_with_helm(
    provider: Kubernetes, server: ApiServer, helm: FakeHelm
) -> None:
    recorded(server, "deployed")
    state = created(provider, INPUTS)
    recorded(server, "superseded", "deployed", values={"replicas": 5})

    assert read(provider, state)["values"] == {"replicas": 5}
    assert helm.verbs


def test_refresh_of_an_interrupted_release_shows_what_helm_recorded(
    provider: Kubernetes, server: ApiServer, helm: FakeHelm
) -> None:
    recorded(server, "deployed")
    state = created(provider, INPUTS)
    recorded(server, "superseded", "pending-upgrade")

    request = provider_pb2.ReadRequest(id="demo/echo", urn=URN, properties=encode(state))
    assert decode(provider.read(request).properties)["status"]["status"] == "pending-upgrade"
    assert helm.verbs


def test_refresh_of_a_release_that_is_gone_says_so(provider: Kubernetes) -> None:
    assert provider.read(provider_pb2.ReadRequest(id="demo/echo", urn=URN)).id == ""


def test_a_changed_value_updates_and_a_changed_name_replaces(provider: Kubernetes) -> None:
    state = INPUTS | {"__inputs": Secret(INPUTS)}
    values, name = {"values": {"replicas": 3}}, {"name": "other"}

    assert not diff(provider, state, INPUTS | values, RELEASE).replaces
    assert list(diff(provider, state, INPUTS | values, RELEASE).detailedDiff) == ["values.replicas"]
    assert list(diff(provider, state, INPUTS | name, RELEASE).replaces) == ["name"]


def test_the_same_inputs_are_no_change_whatever_became_of_the_objects(provider: Kubernetes) -> None:
    state = INPUTS | {"status": {"revision": 7}, "__inputs": Secret(INPUTS)}

    assert diff(provider, state, reveal(INPUTS), RELEASE).changes == provider_pb2.DiffResponse.DIFF_NONE
