"""The DNS domain of an existing cluster, as CoreDNS' configuration says it."""

from typing import Any

import pytest

from components.clusters.existing.cluster_domain import faults

KUBEADM = """\
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes %s {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
}
"""
K3S = """\
.:53 {
    kubernetes %s in-addr.arpa ip6.arpa {
      pods insecure
    }
    hosts /etc/coredns/NodeHosts {
    }
    import /etc/coredns/custom/*.override
}
import /etc/coredns/custom/*.server
"""


def said(data: Any, domain: str = "cluster.local") -> list[str]:
    return list(faults(lambda _: [{"metadata": {"name": "coredns"}, "data": data}], domain))


@pytest.mark.parametrize("corefile", [KUBEADM % "corp.internal in-addr.arpa ip6.arpa", K3S % "corp.internal."])
def test_a_cluster_with_another_domain_is_refused_with_the_key_to_set(corefile: str) -> None:
    (line,) = said({"Corefile": corefile})

    assert line.startswith("its DNS answers for Services in corp.internal, and not in cluster.local")
    assert line.endswith("set cluster.dns_domain: corp.internal of the mesh")


def test_a_cluster_that_has_the_configured_domain_is_taken_and_no_other() -> None:
    assert said({"Corefile": KUBEADM % "corp.internal in-addr.arpa"}, "corp.internal") == []
    assert said({"Corefile": KUBEADM % "cluster.local in-addr.arpa"}, "corp.internal")


@pytest.mark.parametrize(
    "zones",
    [
        "cluster.local in-addr.arpa ip6.arpa",
        "cluster.local. in-addr.arpa ip6.arpa",
        "cluster.local corp.internal in-addr.arpa ip6.arpa",
        "in-addr.arpa ip6.arpa",
    ],
)
def test_a_cluster_whose_dns_answers_for_the_usual_domain_is_taken(zones: str) -> None:
    assert said({"Corefile": KUBEADM % zones}) == []


def test_the_domain_of_another_block_for_services_counts() -> None:
    other = "corp.internal:53 {\n    kubernetes corp.internal {\n    }\n}\n"

    assert said({"Corefile": other + KUBEADM % "cluster.local in-addr.arpa ip6.arpa"}) == []


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"Corefile": "cluster.local:53 {\n    kubernetes\n}\n"},
        {"Corefile": ".:53 {\n    # kubernetes corp.internal {\n    forward . /etc/resolv.conf\n}\n"},
        {"Corefile": ".:53 {\n    kubernetes {\n        pods insecure\n    }\n}\n"},
    ],
)
def test_where_the_configuration_does_not_say_it_nothing_is_refused(data: Any) -> None:
    assert said(data) == []


def test_a_cluster_without_such_a_configuration_is_taken() -> None:
    assert list(faults(lambda _: [])) == []
