"""A kubeconfig that is read once, and shows no secret."""

from pathlib import Path

import pytest
import yaml

from components.clusters import kubeconfig
from components.clusters.existing.settings import ExistingClusterSettings

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


@pytest.mark.parametrize("text", ["", "kind: Pod\n", "{"])
def test_what_is_not_a_kubeconfig_is_refused(text: str) -> None:
    with pytest.raises(kubeconfig.KubeconfigError, match="is not a kubeconfig: must be YAML of kind Config"):
        kubeconfig.parse(text)
