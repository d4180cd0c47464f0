"""Ask every mesh of a stack, from outside and from inside, and judge who answered."""

from collections.abc import Callable, Iterator

from pydantic import SecretStr

from multimesh.contract import VerifyOutputs
from multimesh.stack import exported_sample
from multimesh.verify.answers import Failure
from multimesh.verify.ingress import ask_ingress
from multimesh.verify.inside import InsideError, ask_from_pod, echo_pod
from multimesh.verify.judge import Measurement, Path, judge
from multimesh.verify.report import Report


def verify_stack(outputs: VerifyOutputs, requests: int, confidence: float, progress: Callable[[str], None]) -> Report:
    """Send `requests` requests by each path to every mesh, one path after the other, and judge the answers.

    The short name is asked only in meshes that export the service: in others it does not name the federated service.
    `confidence` (0 to 1) holds for the whole report. `progress` is called with the mesh and the path that are asked
    next. Raises OutputsError when the stack exports no sample service; what goes wrong later is in the report.
    """
    service, weights = exported_sample(outputs)
    name, namespace, *_ = service.split(".")
    measurements: list[Measurement] = []
    for mesh, about in outputs.meshes.items():
        progress(f"{mesh}: {Path.INGRESS}")
        measurements.append(
            Measurement(mesh, Path.INGRESS, about.ingress_url, ask_ingress(about.ingress_url, requests))
        )
        urls = {Path.SHORT_NAME: f"http://{name}.{namespace}/"} if mesh in weights else {}
        urls[Path.GLOBAL_NAME] = f"http://{service}/"
        measurements += _from_inside(mesh, outputs.kubeconfigs[mesh], urls, requests, progress)
    return Report(service, weights, requests, confidence, judge(measurements, weights, confidence))


def _from_inside(
    mesh: str, kubeconfig: SecretStr, urls: dict[Path, str], requests: int, progress: Callable[[str], None]
) -> Iterator[Measurement]:
    try:
        with echo_pod(kubeconfig) as run:
            for path, url in urls.items():
                progress(f"{mesh}: {path}")
                yield Measurement(mesh, path, url, ask_from_pod(run, url, requests))
    except InsideError as error:
        for path, url in urls.items():
            yield Measurement(mesh, path, url, [Failure(str(error))] * requests)
