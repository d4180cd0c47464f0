"""How the stack's clusters form meshes."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from components.schema import names
from components.schema.strict import Strict


class MultiMesh(Strict):
    """A mesh per cluster, federated; the default."""

    kind: Literal["multi-mesh"] = "multi-mesh"


class SingleCluster(Strict):
    """One mesh in one cluster."""

    kind: Literal["single-cluster"]


class SingleMesh(Strict):
    """One mesh over several clusters: the entries of `meshes` are its clusters, and `trust_domain` is the one of all.

    Without a flat network, pods reach another cluster's through its gateway. With one control plane for all, `primary`
    is the cluster that it runs in.
    """

    kind: Literal["single-mesh"]
    network: Literal["gateways", "flat"]
    control_plane: Literal["each", "one"] = "each"
    primary: names.KnownMesh | None = None
    trust_domain: names.TrustDomain = "single.mesh"

    @field_validator("primary")
    @classmethod
    def _of_one_control_plane(cls, primary: str | None, info: ValidationInfo) -> str | None:
        if primary is not None and info.data.get("control_plane") != "one":
            raise ValueError("needs control_plane: one; remove primary or set that")
        return primary


Topology = Annotated[MultiMesh | SingleCluster | SingleMesh, Field(discriminator="kind")]
