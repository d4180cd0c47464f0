"""The names of Services."""

CLUSTER_DOMAIN = "cluster.local"
"""The domain of most clusters."""


def local_host(name: str, namespace: str, domain: str = CLUSTER_DOMAIN) -> str:
    """Return the name of a Service inside its own cluster, which has this domain.

    By the name in the usual domain, peers ask for it, whichever its cluster has.
    """
    return f"{name}.{namespace}.svc.{domain}"
