"""Images as the OCI image layout has them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.oci import Image, archive_images


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[tarfile.TarFile]:
    """Two images, one of them over a base of one file."""
    program, base = tmp_path / "program", tmp_path / "base.tar"
    program.write_bytes(b"#!")
    program.chmod(0o755)
    with tarfile.open(base, "w") as tar:
        tar.addfile(tarfile.TarInfo("etc"), io.BytesIO())
    images = [
        Image("a.test/alone:1", "/program", {"program": program}, user=7, writable=("tmp",)),
        Image("a.test/based:1", "/program", {"program": program}, on_base=True),
    ]
    with tarfile.open(archive_images(tmp_path / "images.tar", images, base)) as archive:
        yield archive


def _blob(archive: tarfile.TarFile, descriptor: dict[str, Any]) -> bytes:
    file = archive.extractfile("blobs/" + descriptor["digest"].replace(":", "/"))
    assert file is not None
    return file.read()


def _manifests(archive: tarfile.TarFile) -> dict[str, dict[str, Any]]:
    index = archive.extractfile("index.json")
    assert index is not None
    return {
        entry["annotations"]["io.containerd.image.name"]: json.loads(_blob(archive, entry))
        for entry in json.loads(index.read())["manifests"]
    }


def test_every_image_is_found_by_its_reference(archive: tarfile.TarFile) -> None:
    assert list(_manifests(archive)) == ["a.test/alone:1", "a.test/based:1"]


def test_every_blob_is_named_by_its_digest(archive: tarfile.TarFile) -> None:
    blobs = [name for name in archive.getnames() if name.startswith("blobs/")]
    for name in blobs:
        file = archive.extractfile(name)
        assert file is not None
        assert hashlib.sha256(file.read()).hexdigest() == name.rsplit("/", 1)[-1]
    assert blobs


def test_the_base_is_the_first_layer_of_the_images_on_it_and_only_of_those(archive: tarfile.TarFile) -> None:
    manifests = _manifests(archive)
    layers = {name: [_layer_names(archive, layer) for layer in one["layers"]] for name, one in manifests.items()}
    assert layers == {"a.test/alone:1": [["tmp", "program"]], "a.test/based:1": [["etc"], ["program"]]}


def test_the_configuration_lists_the_uncompressed_digest_of_each_layer(archive: tarfile.TarFile) -> None:
    manifest = _manifests(archive)["a.test/based:1"]
    config = json.loads(_blob(archive, manifest["config"]))
    assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]


def test_the_user_owns_its_writable_folders(archive: tarfile.TarFile) -> None:
    (layer,) = _manifests(archive)["a.test/alone:1"]["layers"]
    with tarfile.open(fileobj=io.BytesIO(_blob(archive, layer))) as tar:
        assert (tar.getmember("tmp").uid, tar.getmember("program").uid) == (7, 0)


def _layer_names(archive: tarfile.TarFile, layer: dict[str, Any]) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(_blob(archive, layer))) as tar:
        return tar.getnames()
