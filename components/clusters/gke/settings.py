"""The settings of a cluster on Google Kubernetes Engine: location, size, and who may reach its API."""

import os
import re
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo, field_validator

from components.schema.networks import ApiCidrs, Cidr, OwnCidr
from components.schema.strict import Strict

PROJECT_VARIABLES = ("GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")
"""Where Google's provider for Pulumi looks for a project, in this order."""

_REGION = r"[a-z]+(-[a-z]+)+[0-9]+"
_CIDRS = {"node_cidr", "pod_cidr", "service_cidr", "control_plane_cidr"}
_IMMUTABLE = {"location", "private_nodes", "private_endpoint", "dataplane_v2", *_CIDRS}
_PODS_PER_NODE = 256
"""Addresses that each node takes from the pod CIDR: a /24 for 110 pods, GKE's default."""


def _matching(pattern: str, wanted: str) -> PlainValidator:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"must be {wanted}")
        return value

    return PlainValidator(check)


def _node_count(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= 100:
        raise ValueError("must be a number of nodes from 1 to 100")
    return value


def _of_28(cidr: str) -> str:
    if IPv4Network(cidr).prefixlen != 28:
        raise ValueError("must be a /28, which GKE's control plane requires")
    return cidr


Project = Annotated[
    str,
    _matching(r"([a-z0-9.-]+:)?[a-z][-a-z0-9]{4,28}[a-z0-9]", "the id of a Google Cloud project, such as shop-123456"),
]
Location = Annotated[
    str, _matching(rf"{_REGION}(-[a-z])?", "a zone such as europe-west1-b, or a region such as europe-west1")
]
KmsKey = Annotated[
    str,
    _matching(
        r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+",
        "the name of a key: projects/<project>/locations/<region>/keyRings/<ring>/cryptoKeys/<key>",
    ),
]
MachineType = Annotated[str, _matching(r"[a-z][a-z0-9]*-[a-z0-9-]*[a-z0-9]", "a machine type such as e2-standard-2")]


class GkeClusterSettings(Strict):
    """A Standard cluster in a new network. `nodes` is the number of nodes in each zone; a region has three zones."""

    kind: Literal["gke"]
    project: Project | None = None
    location: Location
    machine_type: MachineType = "e2-standard-2"
    private_nodes: bool = True
    private_endpoint: bool = False
    dataplane_v2: bool = True
    flow_logs: bool = True
    secrets_key: KmsKey | None = None
    binary_authorization: bool = False
    image_streaming: bool = False
    release_channel: Literal["RAPID", "REGULAR", "STABLE", "EXTENDED"] = "REGULAR"
    deletion_protection: bool = False
    nodes: Annotated[int, PlainValidator(_node_count)] = 2
    node_cidr: OwnCidr = Field("10.16.0.0/20", validate_default=True)
    pod_cidr: OwnCidr = Field("10.17.0.0/16", validate_default=True)
    service_cidr: OwnCidr = Field("10.18.0.0/20", validate_default=True)
    control_plane_cidr: Annotated[OwnCidr, AfterValidator(_of_28)] = Field("10.19.0.0/28", validate_default=True)
    api_open_to_the_world: bool = False
    api_cidrs: ApiCidrs
    peer_cidrs: list[Cidr] = []

    @property
    def immutable(self) -> dict[str, Any]:
        """The settings that cannot change without replacing the cluster."""
        return {"project": self.project_id, **self.model_dump(include=_IMMUTABLE)}

    @property
    def region(self) -> str:
        """The region: the location itself, or the region of a zone."""
        return re.sub(r"-[a-z]$", "", self.location)

    @property
    def project_id(self) -> str:
        """The project from the configuration, or else from the environment; "" if neither names one."""
        return self.project or next((os.environ[name] for name in PROJECT_VARIABLES if os.environ.get(name)), "")

    @field_validator("private_endpoint")
    @classmethod
    def _has_private_nodes(cls, private: bool, info: ValidationInfo) -> bool:
        if private and not info.data.get("private_nodes", True):
            raise ValueError("must be false with private_nodes: false, as GKE has it for private nodes alone")
        return private

    @field_validator("node_cidr")
    @classmethod
    def _holds_the_nodes(cls, cidr: str, info: ValidationInfo) -> str:
        # Google reserves 4 addresses of a subnetwork; an upgrade adds one node in each zone.
        return _large_enough(cidr, 4 + _most_nodes(info))

    @field_validator("pod_cidr")
    @classmethod
    def _holds_the_pods(cls, cidr: str, info: ValidationInfo) -> str:
        return _large_enough(cidr, _PODS_PER_NODE * _most_nodes(info))


def _most_nodes(info: ValidationInfo) -> int:
    zones = 1 if re.search(r"-[a-z]$", info.data.get("location", "-a")) else 3
    return (info.data.get("nodes", 1) + 1) * zones


def _large_enough(cidr: str, addresses: int) -> str:
    if IPv4Network(cidr).num_addresses < addresses:
        longest = 32 - (addresses - 1).bit_length()
        raise ValueError(f"must have room for {addresses} addresses: use /{longest} or larger")
    return cidr
