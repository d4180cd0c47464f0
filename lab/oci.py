"""Container images as the OCI image layout has them.

Source: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Image:
    """A container image: files (path inside -> where it comes from) over an optional base folder."""

    reference: str
    entrypoint: str
    files: dict[str, Path]
    user: int = 0
    on_base: bool = False
    writable: tuple[str, ...] = ()  # folders that the user may write to


def archive_images(target: Path, images: Iterable[Image], base: Path) -> Path:
    """Write the images as one OCI layout into the tar file `target`, and return it; the base layer is in it once."""
    with tarfile.open(target, "w") as archive:
        base_layer = _add_blob(archive, base.read_bytes())
        manifests = []
        for image in images:
            layer = _add_blob(archive, _layer(image))
            layers = [base_layer, layer] if image.on_base else [layer]
            config = _add_blob(archive, _json(_config(image, [str(one["digest"]) for one in layers])))
            manifest = _json(
                {
                    "schemaVersion": 2,
                    "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
                    "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **one} for one in layers],
                }
            )
            manifests.append(
                {
                    "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    **_add_blob(archive, manifest),
                    "annotations": {"io.containerd.image.name": image.reference},
                }
            )
        _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(archive, "index.json", _json({"schemaVersion": 2, "manifests": manifests}))
    return target


def _config(image: Image, layers: list[str]) -> object:
    return {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {
            "User": f"{image.user}:{image.user}",
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Entrypoint": [image.entrypoint],
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": layers},
    }


def _layer(image: Image) -> bytes:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for folder in image.writable:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, 0o755, image.user, image.user
            tar.addfile(entry)
        for path, source in image.files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = source.stat().st_size, source.stat().st_mode & 0o755
            with source.open("rb") as content:
                tar.addfile(entry, content)
    return layer.getvalue()


def _add_blob(archive: tarfile.TarFile, content: bytes) -> dict[str, str | int]:
    digest = hashlib.sha256(content).hexdigest()
    _add(archive, f"blobs/sha256/{digest}", content)
    return {"digest": f"sha256:{digest}", "size": len(content)}


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
