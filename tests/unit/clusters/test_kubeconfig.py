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
    "users": [{"name": "me", "user": {"token": "hunter2"}}, {"name": "other", "user": {"token": "hunter3"}}],
}
EXEC = {"apiVersion": "client.authentication.k8s.io/v1", "command": "log-in", "installHint": "Get it.\n"}
TEXT = yaml.safe_dump(DOCUMENT)


def test_it_holds_the_chosen_context_and_nothing_of_the_others() -> None:
    read = kubeconfig.read(TEXT, "here")
    assert yaml.safe_load(read.text) == {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "it", "user": "me"}}],
        "clusters": [{"name": "it", "cluster": {"server": "https://it:6443"}}],
        "users": [{"name": "me", "user": {"token": "hunter2"}}],
    }
    assert (read.server, read.context, read.plugin) == ("https://it:6443", "here", None)


def user(**given: Any) -> str:
    return yaml.safe_dump(DOCUMENT | {"users": [{"name": "me", "user": given}]})


def test_a_credential_plugin_is_known_with_its_hint() -> None:
    assert kubeconfig.parse(user(exec=EXEC), "here").plugin == kubeconfig.Plugin("log-in", "Get it.")


def test_a_token_precedes_a_credential_plugin() -> None:
    read = kubeconfig.parse(user(exec=EXEC, token="hunter2"), "here")
    assert read.plugin is None
    assert yaml.safe_load(read.text)["users"] == [{"name": "me", "user": {"token": "hunter2"}}]


def test_a_kubeconfig_without_kind_is_one() -> None:
    document = {key: value for key, value in DOCUMENT.items() if key != "kind"}
    assert kubeconfig.parse(yaml.safe_dump(document), "here").server == "https://it:6443"


def test_a_user_of_nothing_is_a_user_without_credentials() -> None:
    document = DOCUMENT | {"users": [{"name": "me", "user": None}]}
    assert yaml.safe_load(kubeconfig.parse(yaml.safe_dump(document), "here").text)["users"] == [
        {"name": "me", "user": {}}
    ]


@pytest.mark.parametrize("part", ["context", "cluster", "user"])
def test_a_name_that_two_entries_have_is_refused(part: str) -> None:
    entries: Any = DOCUMENT[f"{part}s"]
    name = {"context": "here", "cluster": "it", "user": "me"}[part]
    twice = [*entries, next(entry for entry in entries if entry["name"] == name)]
    with pytest.raises(kubeconfig.KubeconfigError, match=f"has two {part}s with the name '{name}': remove or rename"):
        kubeconfig.parse(yaml.safe_dump(DOCUMENT | {f"{part}s": twice}), "here")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"exec": {**EXEC, "command": None}}, "user me: exec has no command: set the program that"),
        ({"exec": "log-in"}, "user me: exec has no command"),
        ({"exec": {"command": "log-in"}}, "user me: exec has no apiVersion"),
        ({"exec": {**EXEC, "args": "one"}}, r"user me: exec\.args must be a list of texts"),
        ({"exec": {**EXEC, "env": [{"name": "A"}]}}, r"user me: exec\.env must be a list of mappings"),
        ({"client-key-data": "%hunter2"}, "user me: client-key-data is not base64"),
        ({"client-key-data": "aHVudGVyMg=="}, "user me: client-key-data is not PEM in base64"),
        ({"client-key": "/no/such/key"}, "user me: client-key: /no/such/key: no such file"),
        ({"tokenFile": "/no/such/token"}, "user me: tokenFile: /no/such/token: no such file"),
        ({"tokenFile": ["hunter2"]}, "user me: tokenFile must be the path of a file"),
        ({"token": 2}, "user me: token must be text: set it in quotes"),
        ({"auth-provider": {"name": "gcp"}}, "user me: auth-provider gcp is no longer supported by Kubernetes"),
    ],
)
def test_an_unusable_user_is_refused_by_key_and_without_the_value(given: dict[str, Any], message: str) -> None:
    with pytest.raises(kubeconfig.KubeconfigError, match=message) as caught:
        kubeconfig.parse(user(**given), "here")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"server": "it:6443"}, "cluster it: server: it:6443: must be a URL such as https://<host>:<port>"),
        ({"server": 6443}, "cluster it: server: 6443: must be a URL"),
        ({"server": "https://it:x"}, "cluster it: server: https://it:x: must be a URL"),
        ({"certificate-authority-data": "%"}, "cluster it: certificate-authority-data is not base64"),
        ({"certificate-authority": "/no/ca"}, "cluster it: certificate-authority: /no/ca: no such file"),
        ({"proxy-url": "proxy:3128"}, "cluster it: proxy-url: proxy:3128: must be a URL such as http://<host>:<port>"),
        ({"proxy-url": "socks5://me:hunter2@proxy:1080"}, "proxy-url: proxy:1080: SOCKS is not supported. Set an HTTP"),
    ],
)
def test_an_unusable_cluster_is_refused_by_key(given: dict[str, Any], message: str) -> None:
    document = DOCUMENT | {"clusters": [{"name": "it", "cluster": {"server": "https://it:6443", **given}}]}
    with pytest.raises(kubeconfig.KubeconfigError, match=message) as caught:
        kubeconfig.parse(yaml.safe_dump(document), "here")
    assert "hunter2" not in str(caught.value)


def test_a_user_that_is_not_there_is_named() -> None:
    message = "context 'here' names the user 'me', who is missing; it has: none"
    with pytest.raises(kubeconfig.KubeconfigError, match=message):
        kubeconfig.parse(yaml.safe_dump(DOCUMENT | {"users": None}), "here")


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


def test_a_user_whose_name_is_not_text_is_refused() -> None:
    here = {"name": "here", "context": {"cluster": "it", "user": ["me"]}}
    document = DOCUMENT | {"contexts": [here], "users": [{"name": ["me"], "user": {}}]}
    with pytest.raises(kubeconfig.KubeconfigError, match=r"names the user \['me'\], who is missing; it has: none"):
        kubeconfig.parse(yaml.safe_dump(document), "here")


def test_a_user_without_a_name_is_nobody() -> None:
    here = {"name": "other", "context": {"cluster": "it", "user": {}}}
    assert "users" not in yaml.safe_load(kubeconfig.parse(yaml.safe_dump(DOCUMENT | {"contexts": [here]})).text)


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
