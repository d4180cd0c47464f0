"""The stack outputs: the one contract between the program, other stacks and the command line; and the sample service.

The program writes `StackOutputs`. A reader reads only the part that it needs, so that it can also read a stack of
another version, which may lack the rest or have more: peers read `Peer`, a stack with another stack's root reads
`Certificate`, the command line reads `VerifyOutputs`. `StackOutputs` inherits from the parts, so it has their fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, NonNegativeInt, SecretStr, StringConstraints

from multimesh.control_plane import INSTALLED, ControlPlane

Protocol = Literal["http", "http2", "grpc", "grpc-web", "tcp", "tls"]
"""What a port speaks; `tls` is TLS that the application speaks itself. WebSocket is `http`."""

# What another stack says goes into the objects of this one, and whoever can write its state says it: a trust domain
# such as `west.mesh/ns/bank` would be a pattern of identities of west.
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAME = rf"^{_LABEL}(\.{_LABEL})*$"
_TRUST_LABEL = r"[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?"


def _an_address(text: str) -> str:
    if set(text) <= set("0123456789.:") or ":" in text:
        ip_address(text)
    return text


def _an_ipv4_address(text: str) -> str:
    return str(IPv4Address(text))


MeshName = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}$")]
TrustDomain = Annotated[str, StringConstraints(pattern=rf"^{_TRUST_LABEL}(\.{_TRUST_LABEL})*$", max_length=253)]
ServiceAccount = Annotated[str, StringConstraints(pattern=_NAME, max_length=253)]
Port = Annotated[int, Field(ge=1, le=65535)]
Weight = Annotated[int, Field(ge=0, le=1_000_000)]
Address = Annotated[
    str, StringConstraints(pattern=rf"{_NAME}|^[0-9a-f:.]+$", max_length=253), AfterValidator(_an_address)
]
Ipv4Address = Annotated[str, AfterValidator(_an_ipv4_address)]
GlobalName = Annotated[str, StringConstraints(pattern=r"^[-a-z0-9]+\.[-a-z0-9]+\.[-a-z0-9.]+$", max_length=253)]
"""`<name>.<namespace>.<suffix>`"""


@dataclass(frozen=True)
class Sample:
    """The sample service, which answers with the name of its mesh."""

    name: str = "echo"
    namespace: str = "demo"
    port: int = 80
    service_account: str = "echo"
    container: str = "app"

    def is_named(self, name: str, namespace: str) -> bool:
        """Return whether this is the name and namespace of the sample service."""
        return (name, namespace) == (self.name, self.namespace)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of its pods, by which its Service and its Deployment select them."""
        return {"app": self.name}

    @property
    def selector(self) -> str:
        """The label selector of its pods, as the Kubernetes API takes it."""
        return ",".join(f"{label}={value}" for label, value in self.labels.items())

    @property
    def exported(self) -> dict[str, Any]:
        """The entry of `multimesh:services` that exports it, without the keys that the user may choose freely."""
        return {
            "name": self.name,
            "namespace": self.namespace,
            "port": self.port,
            "service_account": self.service_account,
        }


SAMPLE = Sample()


class Export(BaseModel, frozen=True, hide_input_in_errors=True):
    """What one mesh exports under a global name."""

    port: Port
    """The first of its ports, which stacks of an earlier version read."""
    ports: dict[Port, Protocol] | None = None
    """The protocol of each port of the Service; None in a stack of an earlier version, whose port is HTTP."""
    weight: Weight
    service_account: ServiceAccount
    """The service account of the pods that answer."""

    @property
    def protocols(self) -> dict[int, Protocol]:
        """The protocol of each port."""
        return self.ports or {self.port: "http"}


class _TrustDomains(BaseModel, frozen=True, hide_input_in_errors=True):
    """The trust domains of a mesh's workloads."""

    trust_domain: str
    trust_domain_aliases: list[str] = []
    """Other trust domains that its workloads had, or will have."""

    @property
    def trust_domains(self) -> list[str]:
        """The trust domain, and then its aliases."""
        return [self.trust_domain, *self.trust_domain_aliases]


class _Gateway(_TrustDomains, frozen=True):
    """What every reader needs of a mesh: its gateway endpoint, and the trust domains of its workloads."""

    gateway_address: str
    """An IP address or a hostname."""
    gateway_port: int
    control_plane: ControlPlane = INSTALLED


class PeerMeshOutputs(_Gateway, frozen=True):
    """A mesh, as other stacks read it."""

    trust_domain: TrustDomain
    trust_domain_aliases: list[TrustDomain] = []
    gateway_address: Address
    gateway_port: Port
    exports: dict[GlobalName, Export]
    """What the mesh itself exports, by global name."""
    ca_serial: Annotated[str, StringConstraints(pattern=r"^([0-9A-F]{2})*$")] = ""
    """The serial number of its CA's certificate, as openssl prints it; empty in a stack of an earlier version."""
    egress_addresses: list[Ipv4Address] | None = None
    """The addresses its requests come from; None where they are not known."""


class VerifyMeshOutputs(_Gateway, frozen=True):
    """A mesh, as the command line reads it."""

    ingress_url: str
    https_url: str | None = None
    """Where its gateway takes HTTPS; None without."""
    ca_expires: str
    """When its intermediate CA expires (RFC 3339)."""
    cluster: str | None = None
    """The kind of its cluster: `local`, `gke`; None in a stack of an earlier version."""


class MeshOutputs(PeerMeshOutputs, VerifyMeshOutputs, frozen=True):
    """A mesh, as its stack writes it."""

    ca_generation: int = 1
    """The number of the key of its CA."""


class Certificate(_TrustDomains, frozen=True):
    """The CA of one mesh of another stack, as the stack that owns the root signs it. Nothing of it is secret."""

    certificate: str | None = None
    """PEM; None until that other stack has exported its request."""
    chain: str = ""
    """PEM: the CAs between it and the root, its issuer first."""
    expires: str | None = None
    """RFC 3339."""


class Peer(BaseModel, frozen=True, hide_input_in_errors=True):
    """A stack, as its peers read it."""

    meshes: Annotated[Mapping[MeshName, PeerMeshOutputs], Field(max_length=100)]
    root_ca: str
    """The root certificate (PEM) under which its meshes' CAs are signed."""
    root_cas: dict[str, str] = {}
    """Every root that its meshes trust (PEM), by name; empty in a stack of an earlier version: `root_ca` alone."""
    revocation_lists: Annotated[str, StringConstraints(max_length=200_000)] = ""
    """The revocation lists (PEM) of the CAs of its meshes: less than a Secret holds, which they become part of."""
    suffix: str
    """The end of its global names."""
    accepted_trust_domains: list[str] = []
    """The trust domains that its meshes admit; none are known of a stack of an earlier version."""


class Form(BaseModel, frozen=True, hide_input_in_errors=True):
    """How the clusters of a stack form meshes: docs/topologies.md."""

    kind: Literal["multi-mesh", "single-cluster", "single-mesh"]
    network: Literal["gateways", "flat"] | None = None
    """Of a single mesh."""
    primary: str | None = None
    """The cluster whose control plane serves all of them; None where each has its own."""

    @property
    def by_gateways(self) -> bool:
        """Whether one cluster reaches the services of another through its gateway."""
        return self.kind != "single-cluster" and self.network != "flat"


class PeerGateway(_Gateway, frozen=True):
    """A mesh of another stack, as its peers know it."""

    stack: str
    """As `multimesh:peers` names it."""


Prefer = Literal["weights", "local"] | list[str]
"""Who answers first: by weight, the caller's own mesh, or the meshes in this order."""


class Probe(BaseModel, frozen=True, hide_input_in_errors=True):
    """How `multimesh verify` calls a service, and which meshes it expects to answer."""

    ports: dict[int, Protocol]
    """The protocol of each port."""
    prefer: Prefer = "weights"


class Exposure(BaseModel, frozen=True, hide_input_in_errors=True):
    """Callers that reach a service in some meshes: each of them, in each."""

    callers: list[str]
    """`west (any identity)`, `west/ns/shop/sa/web`, or `anybody` outside all meshes."""
    service: str
    """`orders.shop:80`, or `orders.shop as shop.example` through the ingress."""
    meshes: list[str]


class Https(BaseModel, frozen=True, hide_input_in_errors=True):
    """HTTPS at every ingress of the stack."""

    hosts: dict[str, GlobalName]
    """The service that each host of the certificate leads to; a host may begin with `*`."""
    signed_by_root: bool
    """Whether the root CA signed the certificate; otherwise a CA did that clients know."""
    redirect: bool
    """Whether plain HTTP is redirected to it."""


class VerifyOutputs(BaseModel, frozen=True, hide_input_in_errors=True):
    """A stack, as the command line reads it."""

    meshes: Mapping[str, VerifyMeshOutputs]
    root_ca: str
    """The root certificate (PEM)."""
    root_cas: dict[str, str] = {}
    """Every root that the meshes trust, by name."""
    root_ca_fingerprint: str
    """SHA-256 of `root_ca` as openssl prints it: `AB:CD:...`."""
    root_revocation_lists: str = ""
    """The revocation lists (PEM) of the roots; empty while nothing is revoked."""
    root_ca_expires: str | None = None
    """When it expires (RFC 3339); None in a stack of an earlier version."""
    services: dict[str, dict[str, NonNegativeInt]]
    """The weight of every mesh that exports a service, peers' meshes included, by global name."""
    probes: dict[str, Probe] = {}
    """By global name, the services that may be called."""
    preferences: dict[str, Prefer] = {}
    """By global name, what a service prefers; by weight where it is not named."""
    exposure: list[Exposure] | None = None
    """Who reaches what; None in a stack of an earlier version."""
    https: Https | None = None
    """None in a stack whose ingress has plain HTTP alone."""
    one_mesh: bool = False
    """Whether all clusters are one mesh."""
    topology: Form | None = None
    """None in a stack of an earlier version."""
    peers: dict[str, PeerGateway] = {}
    """By mesh of another stack, where it is reached."""
    kubeconfigs: dict[str, SecretStr]
    """By mesh, YAML text."""

    @property
    def trusted_pem(self) -> str:
        """Every root that the meshes trust (PEM): two while one replaces the other."""
        return "".join(dict.fromkeys([self.root_ca, *self.root_cas.values()]))


class StackOutputs(Peer, VerifyOutputs, frozen=True):
    """A stack, as the program writes it."""

    meshes: Mapping[str, MeshOutputs]
    root_ca_owner: str
    """The full name of the stack that makes the root CA; empty for a root that the user brought."""
    certificates: dict[str, Certificate] | None = None
    """By mesh of another stack; only where this stack issues CAs (`multimesh:trust.issues`)."""
    requests: dict[str, str] | None = None
    """The signing requests of its meshes' CAs (PEM), by mesh; only where the root's key is elsewhere."""
