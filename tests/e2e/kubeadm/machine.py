"""A machine that boots user data: this one, with a network, control groups and folders of its own.

What of Ubuntu and EC2 is played here: cloud-init (the files are written, the service's programs are run), systemd
(`systemctl`), the packages (`install-kubernetes`, of the lab's programs), Parameter Store and the metadata service
(tests/aws.py, at their own address). The files and programs are those of the user data; `adapted` says what is changed
in them.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from lab import allocation, cgroups, cluster, config, network, node, paths, processes
from lab.processes import Process, run
from tests.e2e.kubeadm import images

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
METADATA = "169.254.169.254"
START_TIMEOUT = 60
BOOT_TIMEOUT = 300

_PATH = f"/usr/local/sbin:{paths.TOOLS}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_COPIED = ("etc", "opt", "usr/local")
"""Folders that the machine changes in a copy of its own, on top of this one's."""
_OWN = ("run", "var/log", "var/lib")
"""Folders that it has for itself; what they are made of is in the last one, of this machine."""

# Arguments: the folder of the machine's own files, pairs of source and target to bind, "--", the command.
_IN_NEW_NAMESPACE = f"""
mount --make-rprivate /
mount --make-rshared /
for copied in {" ".join(_COPIED)}; do
    mount -t overlay -o "lowerdir=/$copied,upperdir=$1/$copied,workdir=$1/overlay/$copied" overlay "/$copied"
done
own=$1
shift
until [ "$1" = -- ]; do mount --bind "$1" "$2"; shift 2; done
shift
for folder in {" ".join(_OWN)}; do mount --bind "$own/$folder" "/$folder"; done
exec "$@"
"""


class BootError(Exception):
    """A machine did what its user data says, and it failed; the message is what it printed."""


class Machine:
    """One machine; `show` takes what it prints while it boots."""

    def __init__(self, name: str, show: Callable[[str], None]) -> None:
        self.show = show
        self.given = allocation.allocate(name)
        self.id, self.address = self.given.id, self.given.address
        self._files = self.given.folder / "files"
        self._containerd: Process | None = None
        network.up(self.given)

    def boot(self, user_data: str, aws: dict[str, Any], template: Path, hosts: dict[str, str]) -> str:
        """Do at once what Ubuntu does with user data; return what was printed, raise BootError.

        `aws` is what AWS knows: `role` of the instance, `parameters` and `addresses`, a file, of all instances.
        `template` is a containerd root, `hosts` what DNS would say.
        """
        self._write(yaml.safe_load(user_data)["write_files"], hosts)
        node._copy_images(template, self._files / "var/lib/containerd")
        self._start_aws({**aws, "instance": self.id})
        self._start_containerd()
        self.run("/usr/local/sbin/install-kubernetes")
        return self.run("/usr/local/sbin/join-cluster")

    def write(self, path: str, content: str, permissions: str = "0644") -> None:
        """Write a file of the running machine's."""
        process = self._containerd
        target = Path(f"/proc/{process.pid}/root{path}") if process else self._files / path.removeprefix("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        target.chmod(int(permissions, 8))

    def read(self, path: str) -> str:
        """Read a file of the running machine's."""
        assert self._containerd
        return Path(f"/proc/{self._containerd.pid}/root{path}").read_text()

    def destroy(self) -> None:
        """Pull the plug: nothing of the machine is left, at once."""
        cluster.destroy(self.id, self.show)

    def _write(self, files: list[dict[str, str]], hosts: dict[str, str]) -> None:
        for folder in (*_COPIED, *_OWN, *(f"overlay/{copied}" for copied in _COPIED)):
            (self._files / folder).mkdir(parents=True, exist_ok=True)
        for file in files:
            self.write(file["path"], adapted(self.given, file["path"], file["content"]), file["permissions"])
        known = {"localhost": "127.0.0.1", self.id: self.address, **hosts}
        self.write("/etc/hosts", "".join(f"{known[name]} {name}\n" for name in known))
        self.write("/etc/resolv.conf", f"nameserver {self.given.gateway}\n")
        self.write("/usr/local/sbin/systemctl", (HERE / "systemctl").read_text(), "0755")
        packages = (HERE / "install-kubernetes").read_text().replace("RELEASES", str(images.RELEASES))
        self.write("/usr/local/sbin/install-kubernetes", packages, "0755")

    def _start_aws(self, told: dict[str, Any]) -> None:
        """Serve inside the machine's network alone: this one may have a metadata service of its own."""
        run("ip", "-netns", self.id, "address", "replace", f"{METADATA}/32", "dev", "lo")
        stored = self.given.folder / "aws.json"
        stored.touch(mode=0o600)
        stored.write_text(json.dumps(told))
        command = [*network.enter(self.id), sys.executable, str(CHECKOUT / "tests/aws.py"), METADATA, str(stored)]
        log = self.given.folder / "aws.log"
        self._start("aws", command, lambda: log.exists() and "serving" in log.read_text())

    def _start_containerd(self) -> None:
        bindings = [str(self._files)]
        for name, value in node._KERNEL_SETTINGS.items():
            setting = self.given.run / "kernel" / name
            setting.parent.mkdir(parents=True, exist_ok=True)
            setting.write_text(f"{value}\n")
            bindings += [str(setting), f"/proc/sys/{name}"]
        command = [*network.enter(self.id), "unshare", "--mount", "sh", "-ec", _IN_NEW_NAMESPACE, "sh", *bindings, "--"]
        socket = self._files / "run/containerd/containerd.sock"
        self._containerd = self._start("containerd", [*command, "containerd"], socket.exists)

    def _start(self, name: str, command: list[str], ready: Callable[[], bool]) -> Process:
        log = self.given.folder / f"{name}.log"
        process = processes.start(command, log=log, cgroup=cgroups.create(self.id), path=_PATH)
        deadline = time.monotonic() + START_TIMEOUT
        while not ready():
            if not process.alive or time.monotonic() > deadline:
                raise BootError(f"{name} did not start:\n{log.read_text()}")
            time.sleep(0.05)
        return process

    def run(self, *command: str, seconds: int = BOOT_TIMEOUT) -> str:
        """Run a command on the machine, in its control group; return what it prints, raise BootError.

        It is ended after so many `seconds`.
        """
        assert self._containerd
        enter = [*network.enter(self.id), "nsenter", f"--mount=/proc/{self._containerd.pid}/ns/mnt"]
        group = str(cgroups.create(self.id) / "cgroup.procs")
        joined = ["sh", "-c", 'echo 0 >"$0" && exec "$@"', group, *enter, *command]
        endpoints = {f"AWS_ENDPOINT_URL_{service}": f"http://{METADATA}" for service in ("SSM", "STS", "EC2")}
        lines: list[str] = []
        with subprocess.Popen(
            ["timeout", str(seconds), *joined],
            env={"PATH": _PATH, **endpoints},
            cwd="/",
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            assert process.stdout
            for line in process.stdout:
                lines.append(line)
                if re.match(r"\[|(approve-nodes|fetch-secrets|join-cluster|prove-identity|upgrade-kubernetes): ", line):
                    self.show(f"{self.given.name}: {line.rstrip()}")
        if process.returncode:
            raise BootError(f"{' '.join(command)}: exit code {process.returncode}\n{''.join(lines)}")
        return "".join(lines)


def adapted(machine: allocation.Allocation, path: str, content: str) -> str:
    """Return a file of the user data as this machine can use it; most are returned as they are."""
    if path == "/etc/containerd/config.toml":
        # the lab's image has the public one's name, and another digest
        content = re.sub("(?<=sandbox = ')([^'@]+)@[^']+", r"\1", content)
        return content.replace("SystemdCgroup = true", "SystemdCgroup = false").replace(
            "[plugins.'io.containerd.cri.v1.runtime'.cni]\nbin_dirs = ['/opt/cni/bin']",
            "[plugins.'io.containerd.cri.v1.runtime']\ndisable_apparmor = true\nrestrict_oom_score_adj = true\n\n"
            f"[plugins.'io.containerd.cri.v1.runtime'.cni]\nbin_dirs = ['{config.PLUGINS}']",
        )
    if path == "/usr/local/sbin/upgrade-kubernetes":
        return content.replace("\noptions=(", f"\noptions=(--ignore-preflight-errors {','.join(_IGNORED)} ")
    if path in ("/etc/multimesh/init.yaml", "/etc/multimesh/join.yaml"):
        documents = [_adapted_document(machine, document) for document in yaml.safe_load_all(content)]
        if path.endswith("init.yaml"):
            documents.append(_KUBE_PROXY)
        return yaml.safe_dump_all(documents)
    return content


_KUBE_PROXY = {
    "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
    "kind": "KubeProxyConfiguration",
    "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
}
_OF_THE_LAB = (
    "cgroupDriver",
    "failCgroupV1",
    "imagePullCredentialsVerificationPolicy",
    "imageGCHighThresholdPercent",
    "failSwapOn",
    "enforceNodeAllocatable",
    "evictionHard",
)
_IGNORED = ["SystemVerification"]


def _adapted_document(machine: allocation.Allocation, document: dict[str, Any]) -> dict[str, Any]:
    match document["kind"]:
        case "KubeletConfiguration":
            of_the_lab = yaml.safe_load(config.kubelet(machine))
            return document | {key: of_the_lab[key] for key in _OF_THE_LAB}
        case "InitConfiguration" | "JoinConfiguration":
            registration = document["nodeRegistration"]
            ignored = registration.get("ignorePreflightErrors", []) + _IGNORED
            own = {
                "kubeletExtraArgs": [{"name": "cgroup-root", "value": f"/multimesh/{machine.id}"}],
                "ignorePreflightErrors": ignored,
            }
            return document | {"nodeRegistration": registration | own}
        case _:
            return document
