"""A kubeconfig that is read once, and shows no secret."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError
from stack_settings import existing

from components import settings
from components.clusters import kubeconfig
from components.clusters.existing.settings import ExistingClusterSettings
from components.settings import MeshSettings

DOCUMENT = {
    "kind": "Config",
    "current-context": "other",
    "contexts": [{"name": "other", "context": {}}, {"name": "here", "context": {"cluster": "it", "user": "me"}}],
    "clusters": [{"name": "it", "cluster": {"server": "https://it:6443"}}],
    "users": [{"name": "me", "user": {"token": "hunter2", "exec": {"command": "log-in", "installHint": "Get it.\n"}}}],
}
TEXT = yaml.safe_dump(DOCUMENT)


def test_it_holds_what_its_users_ask_for() -> None:
    read = kubeconfig.read(TEXT, "here")
    assert yaml.safe_load(read.text) == DOCUMENT | {"current-context": "here"}
    assert (read.server, read.context) == ("https://it:6443", "here")
    assert read.plugin == kubeconfig.Plugin("log-in", "Get it.")


def test_its_repr_shows_no_secret() -> None:
    settings = ExistingClusterSettings.model_validate({"kind": "existing", "kubeconfig": TEXT, "context": "here"})
    assert "hunter2" not in repr(settings)
    assert "here" in repr(settings.kubeconfig)


def test_the_file_is_read_once_and_dumped_as_it_was_configured(tmp_path: Path) -> None:
    (path := tmp_path / "kubeconfig").write_text(TEXT)
    given = {"kind": "existing", "kubeconfig": str(path), "context": "here"}
    settings = ExistingClusterSettings.model_validate(given)
    assert settings == ExistingClusterSettings.model_validate(given)
    path.unlink()
    assert settings.kubeconfig.server == "https://it:6443"
    assert settings.model_dump()["kubeconfig"] == str(path)


@pytest.mark.parametrize("text", [TEXT, json.dumps(DOCUMENT)])
def test_content_is_not_dumped(text: str) -> None:
    settings = ExistingClusterSettings.model_validate({"kind": "existing", "kubeconfig": text, "context": "here"})
    assert "hunter2" not in str(settings.model_dump()) + settings.model_dump_json()


def test_a_validation_error_does_not_show_the_content() -> None:
    for given in ({"context": "there"}, {"token": "hunter2"}, {"gateway": {"address": "hunter2 "}}):
        with pytest.raises(ValidationError) as caught:
            ExistingClusterSettings.model_validate({"kind": "existing", "kubeconfig": TEXT, **given})
        assert "hunter2" not in str(caught.value)
        with pytest.raises(ValidationError) as caught:
            TypeAdapter(MeshSettings).validate_python({"cluster": {"kind": "existing", "kubeconfig": TEXT, **given}})
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", [[], {}])
def test_a_user_whose_name_is_not_text_is_no_plugins(name: Any) -> None:
    here = {"name": "here", "context": {"cluster": "it", "user": name}}
    document = DOCUMENT | {"contexts": [here], "users": [{"name": name, "user": {}}]}
    assert kubeconfig.parse(yaml.safe_dump(document), "here").plugin is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"contexts": [{"name": [], "context": {}}]}, "has no context 'other'; it has: none"),
        ({"contexts": [{"name": 7, "context": {}}]}, "has no context 'other'; it has: 7"),
        ({"contexts": [{"name": "other", "context": {"cluster": ["it"]}}]}, "names no cluster with a server"),
        ({"clusters": [{"name": {}, "cluster": {"server": "https://it"}}]}, "names no cluster with a server"),
        ({"current-context": ["other"]}, r"has no context \['other'\]; it has: other, here"),
        ({"current-context": {}}, "has no current context; set `context` to one of: other, here"),
    ],
)
def test_names_that_are_not_text_are_refused_in_words(given: dict[str, Any], message: str) -> None:
    with pytest.raises(kubeconfig.KubeconfigError, match=message):
        kubeconfig.parse(yaml.safe_dump(DOCUMENT | given))


@pytest.mark.parametrize("text", ["", "kind: Pod\n", "{", "[" * 5000])
def test_what_is_not_a_kubeconfig_is_refused(text: str) -> None:
    with pytest.raises(kubeconfig.KubeconfigError, match="is not a kubeconfig: must be YAML of kind Config"):
        kubeconfig.parse(text)


def test_a_kubeconfig_is_never_repeated_in_a_message() -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.validate(existing(kubeconfig="kind: Pod\ntoken: hunter2\n"))
    assert "hunter2" not in str(caught.value)


def test_a_kubeconfig_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (path := tmp_path / "kubeconfig").write_bytes(b"\xff\xfe")
    with pytest.raises(settings.SettingsError, match=rf"kubeconfig: '{path}': the file cannot be read: it is not text"):
        settings.validate(existing(kubeconfig=str(path)))
