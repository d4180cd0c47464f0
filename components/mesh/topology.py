"""How the stack's clusters form meshes."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from components.schema import names
from components.schema.networks import Cidr
from components.schema.strict import Strict


class MultiMesh(Strict):
    """A mesh in each cluster, federated with the others; the default."""

    kind: Literal["multi-mesh"] = "multi-mesh"


class SingleCluster(Strict):
    """One mesh in one cluster."""

    kind: Literal["single-cluster"]


class SingleMesh(Strict):
    """One mesh over several clusters: the entries of `meshes` are its clusters, which share `trust_domain`.

    Without a flat network, pods reach pods of another cluster through its gateway. With one control plane for all
    clusters, `primary` is the cluster that runs it, and `served_from` are the networks from which the others reach it.
    """

    kind: Literal["single-mesh"]
    network: Literal["gateways", "flat"]
    control_plane: Literal["each", "one"] = "each"
    primary: names.KnownMesh | None = None
    served_from: list[Cidr] | None = None
    trust_domain: names.TrustDomain = "single.mesh"
    trust_domain_aliases: list[names.TrustDomain] = Field(default_factory=list)

    @field_validator("primary")
    @classmethod
    def _of_one_control_plane(cls, primary: str | None, info: ValidationInfo) -> str | None:
        if primary is not None and info.data.get("control_plane") != "one":
            raise ValueError("needs control_plane: one; set it, or remove primary")
        return primary

    @field_validator("served_from")
    @classmethod
    def _of_served_clusters(cls, served_from: list[str] | None, info: ValidationInfo) -> list[str] | None:
        if served_from is not None and info.data.get("control_plane") != "one":
            raise ValueError("needs control_plane: one; set it, or remove served_from")
        if served_from == []:
            raise ValueError("must list at least one IPv4 network, or the clusters that are served could not connect")
        return served_from


Topology = Annotated[MultiMesh | SingleCluster | SingleMesh, Field(discriminator="kind")]
