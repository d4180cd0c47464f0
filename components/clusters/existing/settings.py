"""A cluster that somebody else made: where it is, and how its gateway is reached."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from components.clusters import kubeconfig as kubeconfigs
from components.schema import names
from components.schema.strict import Strict


class GatewaySettings(Strict):
    """How an existing cluster exposes its gateway; ports are what is reached from outside, at node ports or before."""

    service: Literal["LoadBalancer", "NodePort"] = "LoadBalancer"
    address: names.Address | None = Field(None, validate_default=True)
    port: names.Port | None = None
    ingress_port: names.Port | None = None
    node_port: names.Port | None = None
    ingress_node_port: names.Port | None = None

    @field_validator("address")
    @classmethod
    def _node_ports_have_an_address(cls, address: str | None, info: ValidationInfo) -> str | None:
        if address is None and info.data.get("service") == "NodePort":
            raise ValueError("must be an IP address or a DNS name, at which the node ports are reached")
        return address

    @field_validator("node_port", "ingress_node_port")
    @classmethod
    def _of_a_node_port_service(cls, port: int | None, info: ValidationInfo) -> int | None:
        if port is not None and info.data.get("service") == "LoadBalancer":
            raise ValueError("a node port can be chosen for the service NodePort alone")
        return port


class ExistingClusterSettings(Strict):
    """A cluster that a kubeconfig leads to, given as a path or as content."""

    kind: Literal["existing"]
    context: str | None = None
    kubeconfig: str
    gateway: GatewaySettings = Field(default_factory=lambda: GatewaySettings.model_validate({}))

    @field_validator("kubeconfig")
    @classmethod
    def _leads_to_a_cluster(cls, kubeconfig: str, info: ValidationInfo) -> str:
        kubeconfigs.load(kubeconfig, info.data.get("context"))
        return kubeconfig
