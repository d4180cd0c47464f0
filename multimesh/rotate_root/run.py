"""Drive a rotation: see that every proxy has what the next step needs, change the configuration, run `pulumi up`."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from multimesh.contract import VerifyOutputs
from multimesh.proxies.cluster import Workload, proxies, restart
from multimesh.proxies.proxy import key_of
from multimesh.rotate_root import configuration, lacks, steps
from multimesh.rotate_root.lacks import Need
from multimesh.rotate_root.steps import Root, Step
from multimesh.stack import OutputsError, project, read_outputs

Say = Callable[[str], None]
_WAIT_FOR_PEERS = "Wait for "
"""What a preview says that is refused because another stack is not ready."""
_REFUSED = "nothing was changed"
"""What it says of a configuration that is wrong."""
_POLL_SECONDS = 5
_PEERS_POLL_SECONDS = 15


class UnfinishedError(Exception):
    """The rotation waits for something that it may not do; the message has what, line by line."""


class RefusedError(OutputsError):
    """The program refuses the configuration of a step, for another reason than that a peer is not ready."""


@dataclass(frozen=True)
class Rotation:
    """How a stack's rotation is driven. `wait` is the seconds to wait for proxies, and for peers, at each step."""

    stack: str | None
    restarts: bool
    wait: float
    say: Say

    def to(self, target: Root | None) -> None:
        """Do every step that is left; None is the next created root. Raise UnfinishedError and OutputsError.

        A step whose configuration the program refuses leaves no trace in it.
        """
        trust = configuration.read(self._options, project())
        if owner := trust.get("stack"):
            raise OutputsError(
                f"the root is that of stack {owner}: rotate it there, and run `pulumi up` and `multimesh rotate-root "
                "--check` here after each step"
            )
        if "root" in trust and "key" not in trust["root"]:
            raise OutputsError(
                "the key of the root is elsewhere: each step needs new certificates of whoever has it, so change "
                "multimesh:trust yourself, and run `multimesh rotate-root --check` after each step"
            )
        outputs = read_outputs(self.stack)
        target = target or steps.default_target(outputs, trust)
        self.say(f"rotation to {target.name}")
        while (step := steps.next_step(outputs, target)) is not Step.DONE:
            if step is not Step.TRUST:
                self._see(outputs, before(step, target, keys(outputs)))
            former = steps.former(outputs, trust, target)
            wanted = steps.configured(trust, step, former, target)
            self.say(f"{step.value}: pulumi up")
            configuration.write(self._options, project(), trust, wanted)
            try:
                self._up()
            except RefusedError:
                configuration.write(self._options, project(), wanted, trust)
                raise
            trust, outputs = wanted, read_outputs(self.stack)
        if trust.get("also_trusted"):
            raise OutputsError(f"{target.name} signs already; trust.also_trusted names another root: remove it first")
        self.see(outputs)

    def see(self, outputs: VerifyOutputs) -> None:
        """Wait until every proxy has what the stack's outputs state. Raise UnfinishedError, as `_see` does."""
        self._see(outputs, lacks.needed(outputs, keys(outputs)))

    def _see(self, outputs: VerifyOutputs, need: Need) -> None:
        """Wait until every proxy has what is needed; restart those that must be, if that is allowed.

        Raise UnfinishedError with a line for each workload that is not ready.
        """
        roots = " and ".join(sorted(need.trusts.values()))
        self.say(f"waiting until every proxy trusts {roots}, and has its certificate")
        deadline, restarted = time.monotonic() + self.wait, set[Workload]()
        said: list[str] = []
        while True:
            found = [one for mesh, config in outputs.kubeconfigs.items() for one in proxies(mesh, config)]
            missing = lacks.lines(found, need)
            if not missing:
                self.say(f"{len(found)} proxies are ready")
                return
            if missing != said:
                for line in missing:
                    self.say(f"  {line}")
                said = missing
            late = time.monotonic() >= deadline
            lacking = [one for one in found if lacks.lack(one, need)]
            waiting = {one.workload for one in lacking if late or lacks.must_restart(one, need)}
            if self.restarts and (new := sorted(one for one in waiting - restarted if one.restarts)):
                self._restart(new, outputs)
                restarted |= set(new)
                deadline = time.monotonic() + self.wait
            elif late or (not restarted and all(lacks.must_restart(one, need) for one in lacking)):
                raise UnfinishedError("\n".join(missing))
            time.sleep(_POLL_SECONDS)

    def _restart(self, workloads: Sequence[Workload], outputs: VerifyOutputs) -> None:
        for workload in workloads:
            self.say(f"restarting {workload}")
            restart(workload, outputs.kubeconfigs[workload.mesh])

    def _up(self) -> None:
        """Run `pulumi up`, again for as long as it waits for a peer. Raise UnfinishedError if that takes too long."""
        deadline, said = time.monotonic() + self.wait, ""
        command = ["pulumi", "up", "--yes", "--skip-preview", "--suppress-outputs", "--non-interactive", *self._options]
        while True:
            done = subprocess.run(command, cwd=project(), capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
            printed = done.stdout + done.stderr
            waits = "\n".join(line.strip() for line in printed.splitlines() if _WAIT_FOR_PEERS in line)
            if not waits:
                failed = RefusedError if _REFUSED in printed else OutputsError
                raise failed(f"pulumi up failed:\n{printed.strip()}")
            if time.monotonic() >= deadline:
                raise UnfinishedError(waits)
            if waits != said:
                self.say(waits)
                said = waits
            time.sleep(_PEERS_POLL_SECONDS)

    @property
    def _options(self) -> list[str]:
        return [] if self.stack is None else ["--stack", self.stack]


def keys(outputs: VerifyOutputs) -> dict[str, str]:
    """Return the names of a stack's roots by the fingerprints of their keys. Raise OutputsError for an old stack."""
    steps.signing(outputs)
    loaded = {name: x509.load_pem_x509_certificate(pem.encode()) for name, pem in outputs.root_cas.items()}
    return {key_of(root): name for name, root in loaded.items()}


def before(step: Step, target: Root, names: Mapping[str, str]) -> Need:
    """Return what every proxy must have before a step; `names` are the roots' names by key.

    It is no more than the step needs, as an earlier run may have been killed in the middle of this very step.
    """
    if step is Step.SIGN:
        return Need(names)
    key = next(key for key, name in names.items() if name == target.name)
    return Need({key: target.name}, signed_under=key)


def brought(certificate: Path, key: Path) -> Root:
    """Return the root of the user in two PEM files. Raise OutputsError unless the first has a root's certificate."""
    try:
        root = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError) as error:
        raise OutputsError(f"{certificate} is not a PEM certificate that can be read: {error}") from None
    if root.subject != root.issuer:
        raise OutputsError(
            f"{certificate} is not a root: another CA signed it. Rotate to a root with an issuing CA by hand, step by "
            "step: docs/security.md"
        )
    fingerprint = key_of(root)
    return Root(f"brought-{fingerprint[:16]}", None, _configured(certificate), _configured(key))


def _configured(path: Path) -> str:
    """Return a path as the configuration has it: from the project's folder, or absolute."""
    return str(path if Path.cwd() == project() else path.absolute())
