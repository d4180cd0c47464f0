"""Where the files of a kubeconfig are, as kubectl finds them."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from certificates import PEM

from components.clusters import kubeconfig

KEY = PEM.replace("CERTIFICATE", "PRIVATE KEY")


def write(path: Path, **document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document))
    return path


def named(kind: str, name: str, **content: Any) -> dict[str, Any]:
    return {f"{kind}s": [{"name": name, kind: content}]}


HERE = named("context", "here", cluster="it", user="me")
IT = named("cluster", "it", server="https://it:6443")


def read(configured: object, context: str | None = "here") -> dict[str, Any]:
    document = yaml.safe_load(kubeconfig.read(str(configured), context).text)
    return {part: document[f"{part}s"][0][part] for part in ("cluster", "user") if f"{part}s" in document}


def test_what_relative_paths_name_is_taken_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    files = (
        {"certificate-authority": "pki/ca.pem"},
        {"client-certificate": "pki/me.pem", "client-key": "pki/me-key.pem"},
    )
    cluster, user = named("cluster", "it", server="https://it:6443", **files[0]), named("user", "me", **files[1])
    path = write(tmp_path / "config", **HERE, **cluster, **user)
    (tmp_path / "pki").mkdir()
    for name, content in (("ca", PEM), ("me", PEM), ("me-key", KEY)):
        (tmp_path / "pki" / f"{name}.pem").write_text(content)
    in_base64 = base64.b64encode(PEM.encode()).decode()
    assert read(path) == {
        "cluster": {"server": "https://it:6443", "certificate-authority-data": in_base64},
        "user": {"client-certificate-data": in_base64, "client-key-data": base64.b64encode(KEY.encode()).decode()},
    }


def test_data_precedes_a_file(tmp_path: Path) -> None:
    data = base64.b64encode(PEM.encode()).decode()
    files = {"certificate-authority": "gone.pem", "certificate-authority-data": data}
    path = write(
        tmp_path / "config", **HERE, **named("cluster", "it", server="https://it", **files), **named("user", "me")
    )
    assert read(path)["cluster"] == {"server": "https://it", "certificate-authority-data": data}


def test_the_file_of_a_token_stays_a_file_that_is_found_from_everywhere(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2")
    path = write(tmp_path / "config", **HERE, **IT, **named("user", "me", tokenFile="./token", token="hunter3"))
    assert read(path)["user"] == {"tokenFile": str(tmp_path / "token")}


@pytest.mark.parametrize(("command", "found"), [("bin/log-in", "{folder}/bin/log-in"), ("log-in", "log-in")])
def test_a_program_with_a_slash_is_in_the_folder_of_the_kubeconfig(tmp_path: Path, command: str, found: str) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": command}
    path = write(tmp_path / "config", **HERE, **IT, **named("user", "me", exec=plugin))
    assert read(path)["user"]["exec"]["command"] == found.format(folder=tmp_path)


def test_of_several_files_the_first_that_has_an_entry_wins(tmp_path: Path) -> None:
    first = write(tmp_path / "a/config", **IT, **named("user", "me", tokenFile="token"))
    second = write(
        tmp_path / "b/config",
        **HERE,
        **named("cluster", "it", server="https://other"),
        **named("user", "me", token="hunter3"),
        **{"current-context": "here"},
    )
    third = write(tmp_path / "c/config", **{"current-context": "gone"})
    (tmp_path / "a/token").write_text("hunter2")
    expected = {"cluster": {"server": "https://it:6443"}, "user": {"tokenFile": str(tmp_path / "a/token")}}
    assert read(f"{first}:{tmp_path}/missing:{second}:{third}:", None) == expected


def test_a_list_of_files_that_do_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(kubeconfig.KubeconfigError, match="none of these files exists"):
        read(f"{tmp_path}/a:{tmp_path}/b")


def test_a_file_whose_name_has_a_colon_is_one_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a:b", **HERE, **IT, **named("user", "me"))
    assert read(path)["cluster"] == {"server": "https://it:6443"}


@pytest.mark.parametrize(
    ("configured", "message"),
    [
        ("/no/such/config", "no such file"),
        ("", "must be the path or content of a kubeconfig"),
        ("/", "the file cannot be read: Is a directory"),
        ("a\0b", "the file cannot be read: "),
        ("~nobody-of-this-name/config", "the file cannot be read: "),
        ("x" * 5000, "the file cannot be read: File name too long"),
    ],
)
def test_a_path_that_cannot_be_read_is_refused(configured: str, message: str) -> None:
    with pytest.raises(kubeconfig.KubeconfigError, match=message):
        read(configured)
