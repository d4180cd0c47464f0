"""The images that kubeadm starts a cluster of, under their public names, made from the lab's programs.

There are those of two releases, so that nodes can be upgraded: the lab's, and the next patch release, which is the same
program with another version in it: the procedure is real, what changes in Kubernetes is not.
"""

import shutil
import tarfile
from pathlib import Path

from lab import containerd_template, images
from lab.oci import Image, archive_images
from lab.paths import CACHE, IMAGE_TAG, TOOLS, digest
from lab.toolchain import KUBERNETES_VERSION

TEMPLATE = CACHE / f"kubeadm-{IMAGE_TAG}-{digest(Path(__file__))}"
_REGISTRY = "registry.k8s.io"
_ON_BASE = ("kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler")
# The versions that kubeadm of KUBERNETES_VERSION asks for, whatever those of the programs inside are.
_ETCD, _COREDNS, _PAUSE = "etcd:3.7.0-0", "coredns/coredns:v1.14.6", "pause:3.10.2"
RELEASES = TEMPLATE / "releases"
"""A folder per version, as in `v1.2.3`, with its program."""


def _next(version: str) -> str:
    """Return the version of the next release; it is as long, so that it fits in the place of the other."""
    major, minor, patch = version.split(".")
    later = str(int(patch) + 1)
    return f"{major}.{minor}.{later}" if len(later) == len(patch) else f"{major}.{int(minor) + 1}.0"


FROM, TO = KUBERNETES_VERSION, _next(KUBERNETES_VERSION)
"""The release that nodes boot with, and the one that they are upgraded to."""


def template() -> Path:
    """Return a containerd root with the images in it, made at first use (in about 30 s)."""
    root = TEMPLATE / "containerd"
    if not TEMPLATE.exists():
        partial = TEMPLATE.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        for version in (FROM, TO):
            program = partial / "releases" / version / "kubernetes"
            program.parent.mkdir(parents=True)
            program.write_bytes(_program(version))
            program.chmod(0o755)
            layer = _base(partial / "base.tar", program)
            archive = archive_images(partial / "images.tar", _images(version), layer)
            containerd_template.unpack(archive, partial / root.name)
            layer.unlink()
            archive.unlink()
        partial.rename(TEMPLATE)
    return root


def _program(version: str) -> bytes:
    return (TOOLS / "kubernetes").read_bytes().replace(KUBERNETES_VERSION.encode(), version.encode())


def _base(target: Path, kubernetes: Path) -> Path:
    """Make the layer that the images of Kubernetes share: iptables, and the one file that is every program."""
    images._base_layer(target)
    with tarfile.open(target, "a") as layer:
        layer.add(kubernetes, "usr/local/bin/kubernetes")
        for program in _ON_BASE:
            link = tarfile.TarInfo(f"usr/local/bin/{program}")
            link.type, link.linkname = tarfile.SYMTYPE, "kubernetes"
            layer.addfile(link)
    return target


def _images(version: str) -> list[Image]:
    def alone(reference: str, program: str) -> Image:
        path = f"usr/local/bin/{program}"
        return Image(f"{_REGISTRY}/{reference}", f"/{path}", {path: TOOLS / program})

    return [
        *(
            Image(f"{_REGISTRY}/{program}:{version}", f"/usr/local/bin/{program}", {}, on_base=True)
            for program in _ON_BASE
        ),
        alone(_ETCD, "etcd"),
        alone(_COREDNS, "coredns"),
        alone(_PAUSE, "pause"),
    ]
