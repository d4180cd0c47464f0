"""Make the lab's container images on the spot, unpacked once into a containerd root that every cluster starts from.

There is no registry to pull from; and importing images into each cluster would be a quarter of its start-up time.
"""

import importlib.resources
import shutil
import subprocess
import time
from pathlib import Path

from lab.containerd_template import unpack
from lab.oci import Image, archive_images
from lab.paths import CONTAINERD_TEMPLATE, COREDNS_IMAGE, IMAGE_HUB, IMAGE_TAG, IMAGES, PAUSE_IMAGE, SOURCES, TOOLS

DEBIAN_SUITE = "bookworm"
BASE_PACKAGES = ("bash", "ca-certificates", "coreutils", "iptables", "libc6", "libstdc++6")
APPLICATION_USER, ISTIO_USER = 1338, 1337
BOOTSTRAP = "tools/packaging/common/envoy_bootstrap.json"


class ImageError(Exception):
    """An image could not be made; the message ends with what the tool said."""


def build() -> None:
    """Make every image and the containerd root they are unpacked in; skip when it is there.

    Raises:
        ImageError: mmdebstrap or containerd failed.
    """
    if CONTAINERD_TEMPLATE.exists():
        print("✓ container images")
        return
    started = time.monotonic()
    partial = IMAGES.with_name(f"{IMAGES.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    print("• container images: the base, from Debian's packages", flush=True)
    base = _base_layer(partial / "base.tar")
    print("• container images: packing", flush=True)
    archive = archive_images(partial / "images.tar", _images(), base)
    print("• container images: unpacking", flush=True)
    unpack(archive, partial / CONTAINERD_TEMPLATE.name)
    archive.unlink()
    base.unlink()
    partial.rename(IMAGES)
    print(f"✓ container images: made in {time.monotonic() - started:.0f} s", flush=True)


def _images() -> list[Image]:
    def binary(program: str) -> dict[str, Path]:
        return {f"usr/local/bin/{program}": TOOLS / program}

    return [
        Image(PAUSE_IMAGE, "/usr/local/bin/pause", binary("pause"), user=65535),
        Image(COREDNS_IMAGE, "/usr/local/bin/coredns", binary("coredns")),
        Image(
            f"{IMAGE_HUB}/app:{IMAGE_TAG}",
            "/usr/local/bin/server",
            binary("server") | binary("client"),
            user=APPLICATION_USER,
            writable=("tmp",),
        ),
        Image(
            f"{IMAGE_HUB}/pilot:{IMAGE_TAG}",
            "/usr/local/bin/pilot-discovery",
            binary("pilot-discovery"),
            user=ISTIO_USER,
            on_base=True,
        ),
        Image(
            f"{IMAGE_HUB}/install-cni:{IMAGE_TAG}",
            "/usr/local/bin/install-cni",
            binary("install-cni") | {"opt/cni/bin/istio-cni": TOOLS / "istio-cni"},
            on_base=True,
        ),
        Image(
            f"{IMAGE_HUB}/proxyv2:{IMAGE_TAG}",
            "/usr/local/bin/pilot-agent",
            binary("pilot-agent")
            | {
                "usr/local/bin/envoy": Path(str(importlib.resources.files("envoy") / "_bin/envoy")),
                "var/lib/istio/envoy/envoy_bootstrap_tmpl.json": _istio_source() / BOOTSTRAP,
            },
            user=ISTIO_USER,
            on_base=True,
            writable=("etc/istio/proxy",),
        ),
    ]


def _istio_source() -> Path:
    query = ["go", "list", "-m", "-f={{.Dir}}", "istio.io/istio"]
    return Path(subprocess.run(query, cwd=SOURCES, capture_output=True, text=True, check=True).stdout.strip())


def _base_layer(target: Path) -> Path:
    """Extract a minimal Debian, with the iptables that Istio's init container calls by their plain names."""
    links = [
        f"ln -sf xtables-nft-multi $1/usr/sbin/{name}" for name in ("iptables", "iptables-save", "iptables-restore")
    ]
    links += [
        f"ln -sf xtables-nft-multi $1/usr/sbin/{name}" for name in ("ip6tables", "ip6tables-save", "ip6tables-restore")
    ]
    certificates = "cat $1/usr/share/ca-certificates/mozilla/*.crt >$1/etc/ssl/certs/ca-certificates.crt"
    command = ["mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join(BASE_PACKAGES)}"]
    command += [f"--extract-hook={hook}" for hook in (*links, certificates)]
    made = subprocess.run([*command, DEBIAN_SUITE, str(target)], capture_output=True, text=True, check=False)
    if made.returncode:
        raise ImageError(f"{' '.join(made.args)} failed\n{made.stderr[-2000:]}")
    return target
