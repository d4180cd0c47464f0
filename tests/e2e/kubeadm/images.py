"""The images that kubeadm starts a cluster of, under their public names, made from the lab's programs."""

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


def template() -> Path:
    """Return a containerd root with the images in it, made at first use (in about 15 s)."""
    if not TEMPLATE.exists():
        partial = TEMPLATE.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        archive = archive_images(partial / "images.tar", _images(), _base(partial / "base.tar"))
        containerd_template.unpack(archive, partial / "containerd")
        (partial / "containerd").rename(TEMPLATE)
        shutil.rmtree(partial)
    return TEMPLATE


def _base(target: Path) -> Path:
    """Make the layer that the images of Kubernetes share: iptables, and the one file that is every program."""
    images._base_layer(target)
    with tarfile.open(target, "a") as layer:
        layer.add(TOOLS / "kubernetes", "usr/local/bin/kubernetes")
        for program in _ON_BASE:
            link = tarfile.TarInfo(f"usr/local/bin/{program}")
            link.type, link.linkname = tarfile.SYMTYPE, "kubernetes"
            layer.addfile(link)
    return target


def _images() -> list[Image]:
    def alone(reference: str, program: str) -> Image:
        path = f"usr/local/bin/{program}"
        return Image(f"{_REGISTRY}/{reference}", f"/{path}", {path: TOOLS / program})

    return [
        *(
            Image(f"{_REGISTRY}/{program}:{KUBERNETES_VERSION}", f"/usr/local/bin/{program}", {}, on_base=True)
            for program in _ON_BASE
        ),
        alone(_ETCD, "etcd"),
        alone(_COREDNS, "coredns"),
        alone(_PAUSE, "pause"),
    ]
