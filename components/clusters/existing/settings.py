"""The settings of an existing cluster: its kubeconfig, and how peers reach its gateway."""

from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, PlainValidator, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

from components.clusters import kubeconfig
from components.clusters.kubeconfig import Kubeconfig
from components.schema import names
from components.schema.strict import Strict
from multimesh.hosts import CLUSTER_DOMAIN


class GatewaySettings(Strict):
    """How an existing cluster exposes its gateway.

    Peers connect to `port` and clients to `ingress_port` and `https_port`. Where these differ from the node ports, they
    forward to them.
    """

    service: Literal["LoadBalancer", "NodePort"] = "LoadBalancer"
    address: names.Address | None = Field(None, validate_default=True)
    port: names.Port | None = None
    ingress_port: names.Port | None = None
    node_port: names.Port | None = None
    ingress_node_port: names.Port | None = None
    https_port: names.Port | None = None
    https_node_port: names.Port | None = None

    @field_validator("address")
    @classmethod
    def _node_ports_have_an_address(cls, address: str | None, info: ValidationInfo) -> str | None:
        if address is None and info.data.get("service") == "NodePort":
            raise ValueError("must be the IP address or DNS name at which peers reach the node ports")
        return address

    @field_validator("node_port", "ingress_node_port", "https_node_port")
    @classmethod
    def _of_a_node_port_service(cls, port: int | None, info: ValidationInfo) -> int | None:
        if port is not None and info.data.get("service") == "LoadBalancer":
            raise ValueError("must be left out unless service is NodePort")
        return port


class NodeFolders(Strict):
    """Where the nodes have the plugins and the configuration of the pod network."""

    bin_dir: names.Folder = "/opt/cni/bin"
    conf_dir: names.Folder = "/etc/cni/net.d"


def _read_once(configured: Any, info: ValidationInfo) -> Kubeconfig:
    if not isinstance(configured, str):
        raise PydanticKnownError("string_type")
    return kubeconfig.read(configured, info.data.get("context"))


class ExistingClusterSettings(Strict):
    """A cluster that a kubeconfig points to. The kubeconfig is a path or content; the program reads it once."""

    kind: Literal["existing"]
    context: str | None = None
    kubeconfig: Annotated[
        Kubeconfig, PlainValidator(_read_once), PlainSerializer(lambda read: read.path, return_type=str | None)
    ]
    gateway: GatewaySettings = Field(default_factory=lambda: GatewaySettings.model_validate({}))
    cni: NodeFolders | None = None
    dns_domain: names.ClusterDomain = CLUSTER_DOMAIN
    """The end of the names that its DNS answers for Services."""
