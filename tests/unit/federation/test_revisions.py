"""Control planes of several revisions in one mesh: which there are, what each is made of, and when one goes."""

import functools
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from recording import Recording, record

from components.federation.proxies import UnreadableProxiesError
from components.federation.revision_users import Users
from components.mesh.charts import described
from components.mesh.revisions import installed
from components.schema.problems import SettingsError
from lab.paths import CHARTS

LOCAL = {"cluster": {"kind": "local"}}
ECHO = {"name": "echo", "namespace": "demo", "port": 80, "ingress_hosts": ["*"], "service_account": "echo"}
REPOSITORY = {"repo": "https://example.com/charts"}
GATEWAY = Users(own=True)
SHOP = Users(["shop"], ["shop/deployment/web"])


def release(revision: str = "", **given: Any) -> dict[str, Any]:
    """A control plane in the state, as the plugin leaves it there."""
    named = {"revision": revision} if revision else {}
    values = named | given.pop("values", {})
    outputs = {"chart": "istiod", "version": "1.30.0", "repositoryOpts": REPOSITORY, "values": values, **given}
    return {"type": "kubernetes:helm.sh/v3:Release", "outputs": outputs}


DEFAULT = {"east-istiod": release()}
BOTH = DEFAULT | {"east-istiod-canary": release("canary")}


class Run:
    """One run of the program: what it registers, what it says, and which kubeconfigs it reads clusters with."""

    def __init__(
        self,
        revision: str | None,
        state: dict[str, Any],
        used: dict[str, Users] | Exception | None = None,
        **given: Any,
    ) -> None:
        self.asked, self.said = list[str](), list[str]()

        def answer(kubeconfig: str) -> dict[str, Users]:
            self.asked.append(kubeconfig)
            if isinstance(used, Exception):
                raise used
            return used or {}

        east = LOCAL | ({"istio": {"revision": revision}} if revision else {})
        config = {"meshes": {"east": east, "west": LOCAL}, "services": [ECHO], **given}
        provider = {"type": "pulumi:providers:kubernetes", "outputs": {"kubeconfig": "of east"}}
        stacks = {"test": {}, "state of test": state | {"east-kubernetes": provider}}
        with (
            patch("components.federation.revision_users.read", answer),
            patch("pulumi.log.info", lambda text, *_, **__: self.said.append(text)),
        ):
            self.made: Recording = record(config, stacks=stacks)

    @property
    def control_planes(self) -> set[str]:
        return {name for name in self.made.resources if name.startswith("east-istiod")} - {"east-istiod-ports"}

    @property
    def notes(self) -> list[str]:
        return [line.removeprefix("mesh east: ") for line in self.said if line.startswith("mesh east: ")]

    def values(self, name: str) -> Any:
        return self.made[name].inputs["values"]


def test_without_a_revision_nothing_is_different_and_no_cluster_is_asked() -> None:
    run = Run(None, DEFAULT)
    assert (run.control_planes, run.asked, run.notes) == ({"east-istiod"}, [], [])
    assert "revision" not in run.values("east-istiod")
    assert "revision" not in run.values("east-gateway")
    assert run.values("east-base") == {}
    assert "revisions" not in run.made["east-certificate"].inputs


def test_a_new_mesh_may_have_a_revision_alone() -> None:
    run = Run("canary", {})
    assert (run.control_planes, run.notes) == ({"east-istiod-canary"}, [])
    assert run.values("east-base")["defaultRevision"] == "canary"


@functools.cache
def _beside() -> Run:
    return Run("canary", DEFAULT, {"default": Users(["shop"], ["shop/deployment/web"], own=True)})


class TestBeside:
    @pytest.fixture
    def run(self) -> Run:
        return _beside()

    def test_the_former_control_plane_stays(self, run: Run) -> None:
        assert run.control_planes == {"east-istiod", "east-istiod-canary"}
        assert run.made["east-istiod-canary"].inputs["name"] == "istiod-canary"

    def test_the_former_one_keeps_its_chart(self, run: Run) -> None:
        made = run.made["east-istiod"].inputs
        assert (made["chart"], made["version"], made["repositoryOpts"]) == ("istiod", "1.30.0", REPOSITORY)

    def test_both_have_the_same_values_but_for_the_revision(self, run: Run) -> None:
        new = dict(run.values("east-istiod-canary"))
        assert new.pop("revision") == "canary"
        hub_and_tag = ("hub", "tag")
        new["global"] = {key: value for key, value in new["global"].items() if key not in hub_and_tag}
        assert run.values("east-istiod") == new

    def test_what_multimesh_makes_moves(self, run: Run) -> None:
        assert run.values("east-gateway")["revision"] == "canary"
        labels = run.made["east-echo-namespace"].inputs["metadata"]["labels"]
        assert (labels["istio.io/rev"], "istio-injection" in labels) == ("canary", False)
        annotations = run.made["east-echo-deployment"].inputs["spec"]["template"]["metadata"]["annotations"]
        assert annotations["multimesh/joined"].endswith("/canary")

    def test_its_namespace_moves_once_the_control_plane_is_there(self, run: Run) -> None:
        assert "east-istiod-canary" in run.made.after("east-echo-namespace")

    def test_the_former_one_validates_for_all(self, run: Run) -> None:
        assert run.values("east-base") == {}

    def test_the_ca_may_sign_its_name(self, run: Run) -> None:
        assert run.made["east-certificate"].inputs["revisions"] == ["canary"]

    def test_another_mesh_is_left_alone(self, run: Run) -> None:
        assert "revisions" not in run.made["west-certificate"].inputs
        assert "revision" not in run.values("west-istiod")

    def test_the_outputs_say_which_is_the_meshs(self, run: Run) -> None:
        assert run.made.outputs["meshes"]["east"]["control_plane"]["revision"] == "canary"

    def test_who_uses_the_former_one_is_said_with_the_commands_that_move_it(self, run: Run) -> None:
        assert run.asked == ["of east"]
        assert run.notes == [
            "control plane canary is installed beside default, and multimesh's own workloads move to it",
            "control plane default stays for namespace shop, shop/deployment/web. Move them to canary: "
            "`kubectl label namespace shop --overwrite istio-injection- istio.io/rev=canary`, then "
            "`kubectl rollout restart -n shop deployment/web`",
        ]


def test_it_stays_while_multimeshs_own_workloads_use_it() -> None:
    run = Run("canary", BOTH, {"default": GATEWAY, "canary": GATEWAY})
    assert run.control_planes == {"east-istiod", "east-istiod-canary"}
    assert "stays until the next `pulumi up`: nothing but multimesh's own workloads uses it" in run.notes[0]


def test_it_stays_for_a_namespace_whose_next_pods_it_would_inject() -> None:
    run = Run("canary", BOTH, {"default": Users(namespaces=["shop"]), "canary": GATEWAY})
    assert "east-istiod" in run.control_planes
    assert run.notes[0].startswith(
        "control plane default stays for namespace shop. Move them to canary: `kubectl label"
    )


@pytest.mark.parametrize(
    ("revision", "state", "former", "step"),
    [
        ("canary", BOTH, "default", "set istio.io/rev: canary among the labels of the pods of edge/deployment/gateway"),
        (None, BOTH, "canary", "remove the label istio.io/rev among the labels of the pods of edge/deployment/gateway"),
    ],
)
def test_pods_that_choose_it_by_their_own_labels_are_told_so(
    revision: str | None, state: dict[str, Any], former: str, step: str
) -> None:
    edge = ["edge/deployment/gateway"]
    [line] = Run(revision, state, {former: Users(workloads=edge, labelled=edge)}).notes
    assert line.endswith(f"Move them to {revision or 'default'}: {step}")


def test_it_goes_when_nothing_uses_it() -> None:
    run = Run("canary", BOTH, {"canary": GATEWAY})
    assert run.control_planes == {"east-istiod-canary"}
    assert run.values("east-base")["defaultRevision"] == "canary"
    assert run.notes == ["nothing uses control plane default any more: it is removed"]


def test_it_does_not_go_before_the_next_one_is_there() -> None:
    assert Run("canary", DEFAULT, {}).control_planes == {"east-istiod", "east-istiod-canary"}


def test_it_stays_while_its_cluster_does_not_answer() -> None:
    run = Run("canary", BOTH, UnreadableProxiesError("its API server does not answer"))
    assert run.control_planes == {"east-istiod", "east-istiod-canary"}
    assert run.notes == ["control plane default stays, as what uses it is not known: its API server does not answer"]


def test_without_the_key_the_mesh_returns_to_a_control_plane_without_a_revision() -> None:
    run = Run(None, {"east-istiod-canary": release("canary")}, {"canary": SHOP})
    assert run.control_planes == {"east-istiod", "east-istiod-canary"}
    assert run.values("east-base")["defaultRevision"] == "canary"
    assert "revision" not in run.values("east-gateway")
    assert run.made["east-certificate"].inputs["revisions"] == ["canary"]
    [_, line] = run.notes
    assert "`kubectl label namespace shop --overwrite istio.io/rev- istio-injection=enabled`" in line


def test_a_second_change_keeps_every_control_plane_that_is_used() -> None:
    run = Run("third", BOTH, {"default": SHOP, "canary": GATEWAY})
    assert run.control_planes == {"east-istiod", "east-istiod-canary", "east-istiod-third"}
    assert run.made["east-certificate"].inputs["revisions"] == ["canary", "third"]


def test_a_former_one_keeps_its_images() -> None:
    state = {"east-istiod": release(values={"global": {"hub": "old.example/istio", "tag": "1.30.0"}, "image": "pilot"})}
    given = {"istio": {"hub": "new.example/istio", "tag": "1.31.0", "values": {"istiod": {"image": "mine"}}}}
    run = Run("canary", state, {"default": SHOP}, **given)
    images = {
        name: (run.values(name)["global"]["hub"], run.values(name)["global"]["tag"], run.values(name)["image"])
        for name in ("east-istiod", "east-istiod-canary")
    }
    assert images["east-istiod"] == ("old.example/istio", "1.30.0", "pilot")
    assert images["east-istiod-canary"] == ("new.example/istio", "1.31.0", "mine")


def folder(path: Path) -> dict[str, Any]:
    (path / "istiod").mkdir()
    (path / "istiod/Chart.yaml").write_text("version: 1.30.0")
    chart = f"{path}/istiod"
    return release(chart=chart, repositoryOpts=None, version="1.30.0", description=described(chart))


def test_a_former_one_keeps_its_charts_folder(tmp_path: Path) -> None:
    run = Run("canary", {"east-istiod": folder(tmp_path)}, {"default": SHOP})
    made = run.made["east-istiod"].inputs
    assert (made["chart"], "version" in made) == (f"{tmp_path}/istiod", False)
    assert run.made["east-istiod-canary"].inputs["chart"] == f"{CHARTS}/istiod"


def test_a_changed_folder_of_a_former_one_is_refused(tmp_path: Path) -> None:
    state = {"east-istiod": folder(tmp_path)}
    state["east-istiod"]["outputs"]["description"] = "chart of another content"
    with pytest.raises(SettingsError, match="which has another chart now: restore it, and put the new charts into"):
        Run("canary", state, {"default": SHOP})


def test_another_topology_waits_until_a_former_one_is_gone() -> None:
    single = {"kind": "single-mesh", "network": "gateways"}
    with pytest.raises(SettingsError, match="control plane canary of mesh east is still there"):
        Run(None, BOTH, {"canary": SHOP}, topology=single)


def test_a_served_cluster_has_no_control_plane_to_keep() -> None:
    state = {"west-istiod": {"chart": "istiod", "values": {"profile": "remote"}}}
    assert list(installed(state, "west")) == []


def test_a_release_of_a_mesh_with_a_longer_name_is_not_the_meshs() -> None:
    names = ("east-istiod", "east-istiod-canary", "east-istiod-istiod", "northeast-istiod", "east-base")
    state = {name: {"chart": "istiod", "values": {}} for name in names}
    state["east-istiod-canary"]["values"] = {"revision": "canary"}
    assert [one.revision for one in installed(state, "east")] == ["default", "canary"]


def test_no_kubeconfig_is_shown() -> None:
    run = Run("canary", BOTH, {"default": SHOP})
    assert "of east" not in json.dumps(run.said)
