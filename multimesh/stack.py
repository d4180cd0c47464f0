"""Reading a stack: `pulumi stack output`, checked against the contract."""

import json
import subprocess
from pathlib import Path

from pydantic import ValidationError

from multimesh.contract import SAMPLE, VerifyOutputs

CHECKOUT = Path(__file__).parent.parent
_NO_PROJECT = ("no Pulumi.yaml project file found", "pass the fully qualified name")
"""What Pulumi says, without and with `--stack`, in a folder of no project."""
_NO_STACK = "no stack selected"
"""What Pulumi says in a project without a selected stack."""
_NO_MESHES = "the stack has no meshes to ask"


class OutputsError(Exception):
    """The stack cannot be read, or its outputs are not those of a multimesh stack."""


def project() -> Path:
    """Return the folder in which Pulumi is run: the checkout that this package is in, else the current directory.

    Pulumi itself looks for the project in the folder and in those above it.
    """
    return CHECKOUT if (CHECKOUT / "Pulumi.yaml").exists() else Path.cwd()


def read_outputs(stack: str | None, folder: Path | None = None) -> VerifyOutputs:
    """Return the outputs of `stack` (None: the selected one), read by the Pulumi command line in `folder`.

    Without `folder`, it is that of `project()`. Raises OutputsError when there is no Pulumi, no such stack, or nothing
    to read.
    """
    return parse_outputs(_pulumi(["stack", "output", "--json", "--show-secrets"], stack, folder or project()))


def read_state(stack: str | None) -> str:
    """Return the state of `stack` (None: the selected one) as JSON, secrets encrypted. Raises OutputsError."""
    return _pulumi(["stack", "export"], stack, project())


def read_backend() -> str:
    """Return the URL of the backend that Pulumi is logged in to. Raises OutputsError."""
    return json.loads(_pulumi(["whoami", "--json"], None, project()))["url"]


def _pulumi(arguments: list[str], stack: str | None, folder: Path) -> str:
    """Return what a Pulumi command prints. Raises OutputsError when it cannot be run, or fails."""
    command = ["pulumi", *arguments, "--non-interactive"]
    if stack is not None:
        command += ["--stack", stack]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    except FileNotFoundError:
        raise OutputsError(
            "pulumi is not on PATH: install it; in a checkout, `make setup` prints the line that puts it there"
        ) from None
    except subprocess.TimeoutExpired:
        raise OutputsError(f"pulumi {' '.join(arguments[:2])} did not finish within 120 s") from None
    if done.returncode != 0:
        if any(text in done.stderr for text in _NO_PROJECT):
            raise OutputsError(
                f"no Pulumi project in {folder} or in a folder above it: run multimesh in the folder of the project, "
                "or give the stack's full name: --stack organization/project/stack"
            )
        if _NO_STACK in done.stderr:
            raise OutputsError("no stack is selected: give one by --stack, or run `pulumi stack select`")
        raise OutputsError(done.stderr.strip().removeprefix("error: ") or f"pulumi: exit code {done.returncode}")
    return done.stdout


def parse_outputs(text: str) -> VerifyOutputs:
    """Return the outputs in `text`, the JSON object that `pulumi stack output --json --show-secrets` prints.

    Raises OutputsError when there are none, when there is no mesh, or when one breaks the contract. Its message never
    quotes a value.
    """
    if text.strip() == "{}":
        raise OutputsError("the stack has no outputs: run `pulumi up` first")
    try:
        outputs = VerifyOutputs.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        if first["loc"] == ("root_ca",) and first["type"] == "missing":
            raise OutputsError(f"{_NO_MESHES} yet: they wait for their CAs, as `pulumi preview` says") from None
        where = ".".join(map(str, first["loc"])) or "the outputs"
        raise OutputsError(f"not the outputs of a multimesh stack that is up: {where}: {first['msg']}") from None
    if not outputs.meshes:
        raise OutputsError(_NO_MESHES)
    if missing := sorted(outputs.meshes.keys() - outputs.kubeconfigs.keys()):
        raise OutputsError(f"the stack has no kubeconfig for {', '.join(missing)}")
    return outputs


def exported_sample(outputs: VerifyOutputs) -> tuple[str, dict[str, int]]:
    """Return the sample service's global name, and the weight of every mesh that exports it.

    Raises OutputsError when the stack exports no sample service, or when no mesh may answer for it.
    """
    prefix = f"{SAMPLE.name}.{SAMPLE.namespace}."
    for name, weights in outputs.services.items():
        if name.startswith(prefix):
            if not any(weights.values()):
                raise OutputsError(f"no mesh has a weight above 0 for {name}")
            return name, weights
    raise OutputsError(
        f"the stack exports no {prefix}<suffix>, only {sorted(outputs.services)}: verify calls every service "
        "from a pod of the sample service; set multimesh:sample to true and list echo in multimesh:services"
    )
