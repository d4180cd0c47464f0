"""An `up` of many services that is killed at any moment: the next one converges."""

import random
import signal
import time
from collections.abc import Iterator

import pytest
import yaml

from bench import growth
from components.clusters.connection import connected
from components.federation.cluster_objects import live
from lab.stack import Stack
from multimesh.contract import SAMPLE
from tests.faults.figures import Figures
from tests.faults.test_faults_2_runs import pending

SERVICES = 40
MOMENTS = 20


@pytest.fixture(scope="module")
def growing(unmade: Stack) -> Iterator[Stack]:
    """A stack that exports the sample alone; the other Services are in its clusters."""
    unmade.up()
    for kubeconfig in unmade.outputs().kubeconfigs.values():
        growth.make_services(yaml.safe_load(kubeconfig.get_secret_value()), SERVICES)
    yield unmade
    unmade.destroy()


def exporting(stack: Stack, names: list[str]) -> None:
    """Let the stack export the sample and these services, with weights that differ from those of any other time."""
    weights = {"east": random.randint(1, 100), "west": random.randint(1, 100)}  # noqa: S311
    exported = [SAMPLE.exported | {"name": name, "meshes": weights} for name in names]
    stack.configure(
        lambda settings: settings.update({"multimesh:services": [settings["multimesh:services"][0], *exported]})
    )


def exported_names(stack: Stack) -> dict[str, set[str]]:
    """Return the names of the ServiceEntries in each cluster."""
    found = dict[str, set[str]]()
    for mesh, kubeconfig in stack.outputs().kubeconfigs.items():
        with connected(kubeconfig.get_secret_value()) as api:
            found[mesh] = {key.name.split(".")[0] for key in live(api) if key.kind == "ServiceEntry"}
    return found


def test_an_up_of_many_services_that_is_killed_at_any_moment_is_gone_on_with(growing: Stack, figures: Figures) -> None:
    names, took = growth.names(SERVICES), list[float]()
    start = time.monotonic()
    exporting(growing, names)
    growing.up()
    whole = time.monotonic() - start
    for moment in range(MOMENTS):
        kept = random.sample(names, random.randint(0, SERVICES))  # noqa: S311
        exporting(growing, kept)
        process = growing.begin("up", "--skip-preview")
        time.sleep(whole * moment / MOMENTS)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        growing.cancel()
        start = time.monotonic()
        growing.up()
        took.append(time.monotonic() - start)
        wanted = {SAMPLE.name, *kept}
        assert exported_names(growing) == {"east": wanted, "west": wanted}, f"moment {moment}"
        growing.up("--expect-no-changes")
    assert pending(growing) == []
    assert growing.settled() == []
    figures.of_run(
        f"`pulumi up` of {SERVICES} services killed at {MOMENTS} moments",
        f"the next `up` converges in {max(took):.0f} s at most",
    )
