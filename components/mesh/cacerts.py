"""The Secret with the CA that a mesh's istiod signs with."""

import pulumi

from components.clusters.cluster import Cluster
from components.objects import KubernetesObject
from components.trust import mesh_key
from components.trust.ca import IntermediateCa
from components.trust.requested_ca import IssuedCa


def secret(
    component: pulumi.Resource,
    mesh: str,
    cluster: Cluster,
    namespace: pulumi.Input[str],
    ca: IntermediateCa | IssuedCa,
    revocation_lists: pulumi.Output[str] | None,
) -> KubernetesObject:
    """Create the Secret `cacerts` in istiod's namespace, as a child of `component`; it must exist before istiod starts.

    Its root certificates (PEM) begin with a note of the key's generation. The revocation lists are there if a CA is
    revoked. https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/
    """
    return KubernetesObject(
        f"{mesh}-cacerts",
        "v1",
        "Secret",
        metadata={"name": "cacerts", "namespace": namespace},
        stringData={
            "ca-cert.pem": ca.certificate_pem,
            "ca-key.pem": ca.private_key_pem,
            "root-cert.pem": pulumi.Output.concat(mesh_key.note(ca.generation), ca.trusted_pem),
            "cert-chain.pem": ca.chain_pem,
            **({} if revocation_lists is None else {"ca-crl.pem": revocation_lists}),
        },
        opts=cluster.child_options(component),
    )
