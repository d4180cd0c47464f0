"""Ask every mesh of a stack, from outside and from inside, and judge who answered."""

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter

from multimesh.contract import SAMPLE, VerifyOutputs
from multimesh.stack import exported_sample
from multimesh.verify import judge, judge_port
from multimesh.verify.answers import Failure
from multimesh.verify.commands import command, how_many, in_groups
from multimesh.verify.counters import CountersError, Snapshot, cluster_name, counted
from multimesh.verify.echo_client import Run
from multimesh.verify.https import not_redirected
from multimesh.verify.https import of_service as https_of
from multimesh.verify.ingress import ask_ingress
from multimesh.verify.inside import InsideError, ask_from_pod, echo_pod
from multimesh.verify.judge import Measurement, Path
from multimesh.verify.judge_port import PortMeasurement
from multimesh.verify.oracle import contradiction
from multimesh.verify.pod import CallingPod
from multimesh.verify.replies import Replies, read_replies
from multimesh.verify.report import Report
from multimesh.verify.selection import Port, Selection, select

Progress = Callable[[str], None]


def verify_stack(
    outputs: VerifyOutputs, requests: int, confidence: float, progress: Progress, services: Sequence[str] = ()
) -> Report:
    """Ask the `services` of a stack (none: all) in every mesh, one after the other, and judge who answered.

    The sample service gets `requests` requests by each path, and says who answered; the short name is asked only in
    meshes that export it: in others it does not name the federated service. A port of any other service gets as many,
    but at most 40 (see `how_many`), and the caller's proxy says who answered.

    `confidence` (0 to 1) holds for the whole report. `progress` is called with the mesh and what is asked next. Raises
    OutputsError when the stack exports no sample service, from whose pods all are called, or has no such service; what
    goes wrong later is in the report.
    """
    sample, weights = exported_sample(outputs)
    selection = select(outputs, sample, services)
    run = _Run(outputs, sample, selection, requests, progress)
    for mesh in outputs.meshes:
        run.ask(mesh)
    counts = judge.checks(run.measurements, weights) + judge_port.checks(run.ports, one_mesh=outputs.one_mesh)
    error = judge.error_of_each(confidence, counts)
    return Report(
        service=sample,
        weights=weights,
        requests=requests,
        confidence=confidence,
        verdicts=judge.judge(run.measurements, weights, error),
        ports=[judge_port.judge_port(measurement, error, one_mesh=outputs.one_mesh) for measurement in run.ports],
        not_asked=selection.not_asked,
        troubles=run.troubles,
    )


class _Run:
    """The measurements of a run, collected mesh by mesh; `troubles` are findings about a whole mesh."""

    def __init__(
        self, outputs: VerifyOutputs, sample: str, selection: Selection, requests: int, progress: Progress
    ) -> None:
        self.outputs, self.sample, self.selection = outputs, sample, selection
        self.requests, self.progress = requests, progress
        self.measurements: list[Measurement] = []
        self.ports: list[PortMeasurement] = []
        self.troubles: list[str] = []

    def ask(self, mesh: str) -> None:
        """Ask one mesh everything."""
        if self.selection.sample:
            self.progress(f"{mesh}: {Path.INGRESS}")
            self._ask_ingress(mesh)
        try:
            with echo_pod(self.outputs.kubeconfigs[mesh]) as pod:
                self._ask_from(pod, mesh)
        except InsideError as error:
            failed = [Failure(str(error))] * self.requests
            self.measurements += [Measurement(mesh, path, url, failed) for path, url in self._urls(mesh).items()]
            if self.selection.ports:
                self.troubles.append(f"{mesh}: no service can be asked: {error}")

    def _ask_ingress(self, mesh: str) -> None:
        """Ask the ingress: by HTTPS if a host of its certificate leads to the sample, else by plain HTTP."""
        about, https = self.outputs.meshes[mesh], https_of(self.outputs, self.sample)
        if https is None or about.https_url is None:
            outcomes = ask_ingress(about.ingress_url, self.requests)
            self.measurements.append(Measurement(mesh, Path.INGRESS, about.ingress_url, outcomes))
            return
        outcomes = ask_ingress(about.https_url, self.requests, https=https)
        self.measurements.append(Measurement(mesh, Path.INGRESS, f"{about.https_url} as {https.host}", outcomes))
        if self.outputs.https and self.outputs.https.redirect:
            finding = not_redirected(about.ingress_url, about.https_url, https.host)
            self.troubles += [f"{mesh}: {finding}"] if finding else []

    def _ask_from(self, pod: CallingPod, mesh: str) -> None:
        """Ask everything that is asked from inside, between two snapshots of the counters where they are needed."""
        urls = self._urls(mesh)
        global_url = urls.pop(Path.GLOBAL_NAME, None)
        self.measurements += [self._ask_sample(pod, mesh, path, url) for path, url in urls.items()]
        before = self._snapshot(pod, mesh)
        if global_url:
            self.measurements.append(self._ask_sample(pod, mesh, Path.GLOBAL_NAME, global_url))
        if before is None:
            return
        asked = list(self._ask_ports(pod, mesh))
        after = self._snapshot(pod, mesh)
        if after is None:
            return
        for port, sent, replies, seconds in asked:
            counts = counted(before, after, self._cluster(port.service, port.number))
            self.ports.append(PortMeasurement(mesh, port, sent, replies, counts, seconds))
        if global_url:
            counts = counted(before, after, self._cluster(self.sample, SAMPLE.port))
            outcomes = self.measurements[-1].outcomes
            if finding := contradiction(mesh, outcomes, counts, one_mesh=self.outputs.one_mesh):
                self.troubles.append(finding)

    def _urls(self, mesh: str) -> dict[Path, str]:
        """Return the URLs by which the sample service is asked from inside a mesh; none if it is not chosen."""
        if not self.selection.sample:
            return {}
        name, namespace, *_ = self.sample.split(".")
        short = {Path.SHORT_NAME: f"http://{name}.{namespace}/"} if mesh in self.outputs.services[self.sample] else {}
        return {**short, Path.GLOBAL_NAME: f"http://{self.sample}/"}

    def _ask_sample(self, run: Run, mesh: str, path: Path, url: str) -> Measurement:
        self.progress(f"{mesh}: {path}")
        return Measurement(mesh, path, url, ask_from_pod(run, url, self.requests))

    def _ask_ports(self, pod: CallingPod, mesh: str) -> Iterator[tuple[Port, int, Replies, float]]:
        """Ask all ports; yield each with how many requests it got, what became of them, and the seconds it took."""
        for ports in in_groups(self.selection.ports):
            self.progress(f"{mesh}: {', '.join(port.address for port in ports)}")
            start = perf_counter()
            sent = [how_many(port, self.requests) for port in ports]
            printed = pod.together([command(port, count) for port, count in zip(ports, sent, strict=True)])
            seconds = perf_counter() - start
            for port, count, (output, reason) in zip(ports, sent, printed, strict=True):
                yield port, count, read_replies(port, output, reason, count), seconds

    def _snapshot(self, pod: CallingPod, mesh: str) -> Snapshot | None:
        """Return the counters of the pod's proxy; None where nothing needs them, or where they cannot be read."""
        if not self.selection.ports:
            return None
        try:
            return pod.counters()
        except CountersError as error:
            self.troubles.append(f"{mesh}: who answers other services than {self.sample} cannot be seen: {error}")
            return None

    def _cluster(self, service: str, port: int) -> str:
        return cluster_name(service, port, one_mesh=self.outputs.one_mesh)
