"""The settings of one exported service."""

from collections.abc import Collection
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, ValidationInfo, field_validator, model_validator

from components import istio
from components.ports import PROTOCOLS, Protocol
from components.schema import names
from components.schema.strict import Strict
from multimesh.hosts import local_host

RETRIED = (
    *("5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "refused-stream", "retriable-4xx"),
    *("cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"),
)
"""What a request may be sent again for, in Envoy's words; a status code is allowed, too.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on
"""


def _protocol(value: Any) -> Protocol:
    if value not in PROTOCOLS:
        if str(value).lower() in PROTOCOLS:
            raise ValueError(f"must be in lower case: {str(value).lower()}")
        raise ValueError(
            f"must be one of {', '.join(PROTOCOLS)} (https is tls; WebSocket is http; UDP and SCTP cannot be exported)"
        )
    return value


def _reason(value: Any) -> str:
    is_status = isinstance(value, str) and value.isdecimal() and 400 <= int(value) <= 599
    if not is_status and value not in RETRIED:
        raise ValueError(f"must be a status such as '503', or one of {', '.join(RETRIED)}")
    return value


class PortSettings(Strict):
    """A port of the Service; `protocol` is for a port whose name and appProtocol do not say it."""

    number: names.Port
    protocol: Annotated[Protocol, PlainValidator(_protocol)] | None = None


class RetrySettings(Strict):
    """What is sent again and how often, instead of the default by method."""

    attempts: names.Attempts
    on: list[Annotated[str, PlainValidator(_reason)]] = []

    @model_validator(mode="after")
    def _on_something(self) -> Self:
        if bool(self.attempts) != bool(self.on):
            raise ValueError("`on` must say what is sent again; with `attempts: 0` nothing is, and `on` is not allowed")
        return self

    @property
    def as_istio(self) -> dict[str, Any]:
        """These retries as a VirtualService writes them."""
        return {"attempts": self.attempts, **({"retryOn": ",".join(self.on)} if self.on else {})}


class ServiceSettings(Strict):
    """One exported service. `meshes` are meshes of this stack, by default all. By default, every mesh may call.

    `peers` are the meshes of other stacks from which this stack takes the service, each with the most weight that it
    may have here, by default none.
    """

    name: names.ServiceName
    namespace: names.Label
    port: names.Port | None = None
    ports: list[PortSettings] | None = Field(None, validate_default=True)
    meshes: dict[names.KnownMesh, names.Weight] = Field(None, validate_default=True)
    peers: dict[names.PeerMesh, names.Weight] = {}
    prefer: Literal["weights", "local"] | list[str] = "weights"
    timeout: names.Duration | None = None
    retries: RetrySettings | None = None
    callers: list[names.Caller] | None = None
    service_account: names.ServiceAccount = "default"
    ingress_hosts: list[names.IngressHost] = []
    split: Literal["failover", "weighted"] = "failover"
    probe: Literal["call", "none"] = "call"

    @field_validator("namespace")
    @classmethod
    def _not_istios(cls, namespace: str) -> str:
        if namespace == istio.NAMESPACE:
            raise ValueError(f"must not be {istio.NAMESPACE}, whose policies hold for every namespace")
        return namespace

    @field_validator("ports", mode="before")
    @classmethod
    def _numbers_are_ports(cls, ports: Any, info: ValidationInfo) -> Any:
        if "port" in info.data and (info.data["port"] is None) == (ports is None):
            raise ValueError(
                "is missing; list the Service's ports" if ports is None else "and `port` say the same: give one of them"
            )
        if ports == []:
            raise ValueError("must list at least one port")
        return (
            [{"number": port} if not isinstance(port, dict) else port for port in ports]
            if isinstance(ports, list)
            else ports
        )

    @field_validator("ports")
    @classmethod
    def _each_once(cls, ports: list[PortSettings] | None) -> list[PortSettings] | None:
        numbers = [port.number for port in ports or []]
        if twice := sorted({number for number in numbers if numbers.count(number) > 1}):
            raise ValueError(f"must list each port once, not {twice[0]} twice")
        return ports

    @field_validator("meshes", mode="before")
    @classmethod
    def _every_mesh_exports(cls, weights: Any, info: ValidationInfo) -> Any:
        if weights is None:
            return dict.fromkeys(names.known_meshes(info), 1)
        if not isinstance(weights, dict):
            raise ValueError("must be weights by mesh, such as {east: 50, west: 50}")
        return weights

    @field_validator("meshes")
    @classmethod
    def _carry_traffic(cls, weights: dict[str, int], info: ValidationInfo) -> dict[str, int]:
        if not any(weights.values()) and not names.has_peers(info):
            raise ValueError("at least one mesh must have a weight above 0")
        return weights

    @field_validator("prefer", mode="before")
    @classmethod
    def _known_order(cls, prefer: Any, info: ValidationInfo) -> Any:
        if isinstance(prefer, list):
            meshes = names.known_meshes(info)
            if not prefer or len(set(map(str, prefer))) < len(prefer):
                raise ValueError("an order must name each mesh once, and at least one")
            weights = info.data.get("meshes", dict.fromkeys(meshes, 1))
            for mesh in prefer:
                if not isinstance(mesh, str) or not (mesh in meshes or names.has_peers(info)):
                    raise ValueError(f"an order must be of meshes of this stack ({', '.join(meshes)}), not {mesh}")
                if mesh in meshes and not weights.get(mesh):
                    raise ValueError(f"an order must not name {mesh}, which has no weight above 0 in `meshes`")
        elif prefer not in ("weights", "local"):
            raise ValueError("must be weights, local, or an order such as [east, west]")
        return prefer

    @field_validator("callers")
    @classmethod
    def _somebody_calls(cls, callers: list[str] | None) -> list[str] | None:
        if callers == []:
            raise ValueError("must name at least one caller; remove the key to allow every mesh")
        return callers

    @field_validator("split")
    @classmethod
    def _one_way_to_split(cls, split: str, info: ValidationInfo) -> str:
        if split == "weighted" and info.data.get("prefer", "weights") != "weights":
            raise ValueError("divides requests by weight and has no failover: remove it, or prefer")
        return split

    def without(self, meshes: Collection[str]) -> "ServiceSettings":
        """Return these settings without some of the exporting meshes."""
        return self.model_copy(
            update={"meshes": {name: weight for name, weight in self.meshes.items() if name not in meshes}}
        )

    @property
    def protocols(self) -> dict[int, Protocol | None]:
        """The exported ports, each with the protocol that the configuration says."""
        if self.ports is None:
            return {self.port or 0: None}
        return {port.number: port.protocol for port in self.ports}

    @property
    def local_host(self) -> str:
        """The Service's name in its own cluster, and in all clusters of a single mesh."""
        return local_host(self.name, self.namespace)

    def global_name(self, suffix: str) -> str:
        """Return the name under which every mesh finds the service."""
        return f"{self.name}.{self.namespace}.{suffix}"
