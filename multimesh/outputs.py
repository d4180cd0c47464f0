"""What a stack says about itself: `pulumi stack output`, read and checked."""

import subprocess
from pathlib import Path

from pydantic import BaseModel, NonNegativeInt, SecretStr, ValidationError

PROJECT = Path(__file__).parent.parent
SAMPLE = "echo.demo."


class OutputsError(Exception):
    """The stack cannot be read, or its outputs are not those of a multimesh stack."""


class MeshOutputs(BaseModel):
    """One mesh, as its stack exports it."""

    ingress_url: str
    gateway_address: str
    gateway_port: int
    trust_domain: str
    ca_expires: str


class StackOutputs(BaseModel):
    """The outputs of a stack: the contract that the README documents."""

    meshes: dict[str, MeshOutputs]
    root_ca: str
    root_ca_fingerprint: str
    services: dict[str, dict[str, NonNegativeInt]]
    kubeconfigs: dict[str, SecretStr]

    def sample(self) -> tuple[str, dict[str, int]]:
        """The sample service: its global name, and the weight of every mesh that exports it.

        Raises OutputsError when the stack federates no sample service, or when no mesh may answer for it.
        """
        for name, weights in self.services.items():
            if name.startswith(SAMPLE):
                if not any(weights.values()):
                    raise OutputsError(f"no mesh has a weight above 0 for {name}")
                return name, weights
        raise OutputsError(
            f"the stack federates no {SAMPLE}<suffix>, only {sorted(self.services)}: verify asks the sample service; "
            "set multimesh:sample to true and list echo in multimesh:services"
        )


def parse_outputs(text: str) -> StackOutputs:
    """The outputs in `text`, the JSON object that `pulumi stack output --json --show-secrets` prints.

    Raises OutputsError when there are none, no mesh, or one of another shape; its message never quotes a value.
    """
    if text.strip() == "{}":
        raise OutputsError("the stack has no outputs: run `pulumi up` first")
    try:
        outputs = StackOutputs.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the outputs"
        raise OutputsError(f"not the outputs of a multimesh stack that is up: {where}: {first['msg']}") from None
    if not outputs.meshes:
        raise OutputsError("the stack has no meshes to ask")
    if missing := sorted(outputs.meshes.keys() - outputs.kubeconfigs.keys()):
        raise OutputsError(f"the stack has no kubeconfig for {', '.join(missing)}")
    return outputs


def read_outputs(stack: str | None, project: Path = PROJECT) -> StackOutputs:
    """The outputs of `stack` (None: the selected one), read by the Pulumi command line in the folder `project`.

    Raises OutputsError when there is no Pulumi, no such stack, or nothing to read.
    """
    command = ["pulumi", "stack", "output", "--json", "--show-secrets", "--non-interactive"]
    if stack is not None:
        command += ["--stack", stack]
    try:
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120)
    except FileNotFoundError:
        raise OutputsError("pulumi is not on PATH: `make setup` prints the line that puts it there") from None
    except subprocess.TimeoutExpired:
        raise OutputsError("pulumi stack output did not finish within 120 s") from None
    if done.returncode != 0:
        raise OutputsError(done.stderr.strip().removeprefix("error: ") or f"pulumi: exit code {done.returncode}")
    return parse_outputs(done.stdout)
