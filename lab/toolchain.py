"""Build the programs of the lab from pinned Go modules, once; skip what is there already."""

import fcntl
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.paths import CACHE, CHARTS, SOURCES, TOOLS
from lab.progress import Progress

KUBERNETES_PROGRAMS = (
    "kubeadm",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
)
KUBERNETES_VERSION = "v1.37.2"
PULUMI_VERSION = "v3.200.0"
HELM_VERSION = "v3.22.0"
ISTIO_VERSION = "1.31.0"
CHART_FOLDERS = {
    "base": "base",
    "cni": "istio-cni",
    "istiod": "istio-control/istio-discovery",
    "gateway": "gateway",
}
"""The folders of Istio's charts in its module, by the names that its releases give the charts."""


class ToolchainError(Exception):
    """A program of the lab could not be built; the message ends with what the compiler said."""


@dataclass(frozen=True)
class Build:
    """One `go build`: packages of one module that share what they compile."""

    title: str
    module: Path
    packages: tuple[str, ...]
    stamps: tuple[tuple[str, str], ...] = ()  # variable -> value, set by the linker

    @property
    def programs(self) -> list[str]:
        """The names of the programs that the build makes."""
        return [package.rsplit("/", 1)[-1] for package in self.packages]


CLUSTERS = Build(
    "Kubernetes, etcd, containerd, CoreDNS, Istio, Helm",
    SOURCES,
    (
        "./coredns",
        "./etcd",
        "./kubernetes",
        "./pause",
        "github.com/containerd/containerd/v2/cmd/containerd",
        "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
        "github.com/containerd/containerd/v2/cmd/ctr",
        "helm.sh/helm/v3/cmd/helm",
        "istio.io/istio/cni/cmd/install-cni",
        "istio.io/istio/cni/cmd/istio-cni",
        "istio.io/istio/pilot/cmd/pilot-agent",
        "istio.io/istio/pilot/cmd/pilot-discovery",
        "istio.io/istio/pkg/test/echo/cmd/client",
        "istio.io/istio/pkg/test/echo/cmd/server",
    ),
    (
        ("k8s.io/component-base/version.gitVersion", KUBERNETES_VERSION),
        ("k8s.io/component-base/version.gitMajor", KUBERNETES_VERSION.removeprefix("v").split(".")[0]),
        ("k8s.io/component-base/version.gitMinor", KUBERNETES_VERSION.split(".")[1]),
        ("helm.sh/helm/v3/internal/version.version", HELM_VERSION),
        ("istio.io/istio/pkg/version.buildVersion", ISTIO_VERSION),
        ("istio.io/istio/pkg/version.buildTag", ISTIO_VERSION),
    ),
)
ISTIOCTL = Build(
    "istioctl",
    SOURCES,
    ("istio.io/istio/istioctl/cmd/istioctl",),
    tuple(stamp for stamp in CLUSTERS.stamps if "helm" not in stamp[0]),
)
PULUMI = Build(
    "Pulumi",
    SOURCES / "pulumi",
    ("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",),
    (("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", PULUMI_VERSION),),
)
PULUMI_PYTHON = Build(
    "Pulumi's Python language host",
    SOURCES / "pulumi-language-python",
    ("github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",),
)
PULUMI_SCRIPTS = (
    "cmd/pulumi-language-python-exec",
    "dist/pulumi-analyzer-policy-python",
    "dist/pulumi-resource-pulumi-python",
)


def build(*, with_pulumi: bool) -> None:
    """Build what is missing into TOOLS: minutes at first (Go's own cache keeps what an interrupted run compiled).

    Raises:
        ToolchainError: a build failed.
    """
    with _alone():
        for one in [PULUMI_PYTHON, PULUMI, CLUSTERS] if with_pulumi else [CLUSTERS]:
            _build_missing(one)
        for program in KUBERNETES_PROGRAMS:
            _link(TOOLS / program, "kubernetes")
        if with_pulumi:
            _copy_pulumi_scripts()
        if not CHARTS.exists():
            _copy_charts()


def build_istioctl() -> None:
    """Build istioctl, which no cluster needs, into TOOLS: a minute more, after the clusters' programs. As `build`."""
    with _alone():
        _build_missing(ISTIOCTL)


def _build_missing(one: Build) -> None:
    if all((TOOLS / program).exists() for program in one.programs):
        print(f"✓ {one.title}")
    else:
        _build(one)


def _build(one: Build) -> None:
    started = time.monotonic()
    partial = TOOLS.with_name(f"{TOOLS.name}.partial")
    stale = _stale_packages(one)
    linker = " ".join(["-s", "-w", *(f"-X {variable}={value}" for variable, value in one.stamps)])
    command = [
        "go",
        "build",
        "-v",
        "-trimpath",
        "-tags=no_btrfs",
        f"-ldflags={linker}",
        f"-o={partial}/",
        *one.packages,
    ]
    said: list[str] = []
    with (
        Progress(one.title, total=len(stale), unit="packages") as progress,
        subprocess.Popen(command, cwd=one.module, env=_environment(), stderr=subprocess.PIPE, text=True) as process,
    ):
        for line in process.stderr or ():
            package = line.strip()
            if package in stale:
                progress.advance(package)
            else:
                said.append(line)
    if process.returncode:
        raise ToolchainError(f"{one.title}: go build failed in {one.module}\n{''.join(said[-20:])}")
    TOOLS.mkdir(parents=True, exist_ok=True)
    for program in one.programs:
        (partial / program).replace(TOOLS / program)
    print(f"✓ {one.title}: built in {time.monotonic() - started:.0f} s", flush=True)


def _stale_packages(one: Build) -> set[str]:
    """Return the packages still to be compiled; asking also downloads the modules' sources."""
    print(f"• {one.title}: looking for what must be compiled (the first time downloads the sources)", flush=True)
    query = [
        "go",
        "list",
        "-deps",
        "-tags=no_btrfs",
        "-trimpath",
        "-f={{if .Stale}}{{.ImportPath}}{{end}}",
        *one.packages,
    ]
    listed = subprocess.run(query, cwd=one.module, env=_environment(), capture_output=True, text=True, check=False)
    if listed.returncode:
        raise ToolchainError(f"{one.title}: go list failed in {one.module}\n{listed.stderr[-2000:]}")
    return set(listed.stdout.split())


def _environment() -> dict[str, str]:
    return os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}


def _module_folder(module: str, of: Path) -> Path:
    query = ["go", "list", "-m", "-f={{.Dir}}", module]
    return Path(
        subprocess.run(query, cwd=of, env=_environment(), capture_output=True, text=True, check=True).stdout.strip()
    )


def _copy_pulumi_scripts() -> None:
    """Copy the scripts by which the engine runs Python: programs, policy packs, dynamic providers."""
    targets = [TOOLS / Path(script).name for script in PULUMI_SCRIPTS]
    if all(target.exists() for target in targets):
        return
    python = _module_folder("github.com/pulumi/pulumi/sdk/v3", PULUMI.module) / "python"
    for script, target in zip(PULUMI_SCRIPTS, targets, strict=True):
        shutil.copyfile(python / script, target)
        target.chmod(0o755)


def _copy_charts() -> None:
    """Copy Istio's charts out of its module; each gets the version that its release would have."""
    charts = _module_folder("istio.io/istio", SOURCES) / "manifests/charts"
    partial = CHARTS.with_name("charts.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name, folder in CHART_FOLDERS.items():
        shutil.copytree(charts / folder, partial / name, copy_function=shutil.copyfile)
    for folder in partial.rglob("*"):
        folder.chmod(0o755 if folder.is_dir() else 0o644)
    for chart in partial.glob("*/Chart.yaml"):
        chart.write_text(re.sub(r"(?m)^(version|appVersion): .*$", rf"\1: {ISTIO_VERSION}", chart.read_text()))
    partial.rename(CHARTS)


def _link(link: Path, target: str) -> None:
    if not link.is_symlink():
        link.symlink_to(target)


@contextmanager
def _alone() -> Iterator[None]:
    """Let one build run at a time on this machine: a second one waits, then finds everything done."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
