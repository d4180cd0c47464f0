"""Draw the documentation's pictures of meshes, each from the outputs of a stack in the JSON file beside it.

Run it with `make picture`. The outputs are those of real stacks without kubeconfigs, certificates and fingerprints.
"""

from pathlib import Path

from multimesh.contract import VerifyOutputs
from multimesh.topology.model import topology
from multimesh.topology.svg import svg

HERE = Path(__file__).parent
OUTPUTS = sorted(HERE.glob("pictures/*.json"))


def picture(outputs: Path) -> str:
    """Return the picture of the stack whose outputs are in a file: what `multimesh topology` prints."""
    return svg(topology(VerifyOutputs.model_validate_json(outputs.read_text())))


if __name__ == "__main__":
    for path in OUTPUTS:
        path.with_suffix(".svg").write_text(picture(path))
