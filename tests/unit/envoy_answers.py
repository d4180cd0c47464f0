"""What an Envoy answers, as one of version 1.40 does."""

import json
from typing import Any


def host(mesh: str, *, ejected: bool = False, address: str = "192.0.2.1", **stats: int) -> dict[str, Any]:
    """An endpoint of `/clusters`; Envoy leaves out a value that is 0."""
    return {
        "address": {"socket_address": {"address": address, "port_value": 80}},
        "stats": [{"name": name, **({"value": str(value)} if value else {})} for name, value in stats.items()],
        "health_status": {"eds_health_status": "HEALTHY", **({"failed_outlier_check": True} if ejected else {})},
        "locality": {"region": mesh} if mesh else {},
    }


def clusters(**hosts: list[dict[str, Any]]) -> str:
    """The answer to `/clusters`, by the host of a service in which `_` stands for a dot."""
    return json.dumps(
        {
            "cluster_statuses": [
                {"name": f"outbound|80||{name.replace('_', '.')}", "host_statuses": found}
                for name, found in hosts.items()
            ]
        }
    )


def histogram(name: str, totals: dict[float, int], width: float = 0.1) -> dict[str, Any]:
    """A histogram of `/stats` in detail."""
    return {
        "name": name,
        "totals": [{"lower_bound": bound, "width": width, "count": count} for bound, count in totals.items()],
    }


def histograms(*details: dict[str, Any]) -> str:
    """The answer to `/stats`; beside histograms there are counters."""
    return json.dumps({"stats": [{"name": "upstream_rq_timeout", "value": 0}, {"histograms": {"details": details}}]})
