"""What the page shows of all meshes at a moment. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from multimesh.topology.model import Service, Topology
from multimesh.watch.observer import Seen
from multimesh.watch.window import Rate, quantile

STALE = 5.0
"""Seconds after which what was seen is not shown any more."""
SOON = 60
"""Days before the end of a certificate from which on it is a warning."""


def view(picture: Topology, seen: Mapping[str, Seen], moment: float, today: date) -> dict[str, Any]:
    """Return the meshes, the services by mesh that answers, and the pairs of meshes with traffic or trouble.

    `moment` is of the clock of `Seen.moment`.
    """
    fresh = {mesh: one for mesh, one in seen.items() if not one.trouble and moment - one.moment <= STALE}
    services = [_service(service, fresh) for service in picture.services]
    return {
        "root": {"days": _days(picture.trust.expires, today)},
        "soon": SOON,
        "meshes": [
            {
                "name": mesh.name,
                "stack": mesh.stack,
                "watched": mesh.name in seen,
                "trouble": _trouble(seen.get(mesh.name), moment),
                "proxies": one.proxies if (one := seen.get(mesh.name)) else 0,
                "silent": one.silent if one else 0,
                "left_out": one.left_out if one else 0,
                "age": round(moment - one.moment, 3) if one else None,
                "seconds": round(one.seconds, 3) if one else None,
                "days": _days(mesh.ca_expires, today),
            }
            for mesh in picture.meshes
        ],
        "services": [{"name": one["name"], "answers": one["answers"]} for one in services],
        "pairs": [pair for one in services for pair in one["pairs"]],
    }


def _trouble(seen: Seen | None, moment: float) -> str:
    if seen is None or seen.trouble:
        return seen.trouble if seen else ""
    age = moment - seen.moment
    return f"nothing read for {age:.0f} s" if age > STALE else ""


def _service(service: Service, seen: Mapping[str, Seen]) -> dict[str, Any]:
    """Return who answers a service: from all callers, and from each."""
    pairs, answers = list[dict[str, Any]](), dict[str, dict[str, float]]()
    for caller, one in seen.items():
        rates = {mesh: rate for (name, mesh), rate in one.rates.items() if name == service.name}
        total = sum(rate.per_second for rate in rates.values())
        latency = one.latencies.get(service.name, {})
        for mesh in {**service.weights, **rates}:
            rate, ejected = rates.get(mesh, Rate(0.0, 0)), one.ejected.get((service.name, mesh), 0)
            sum_ = answers.setdefault(mesh, {"rate": 0.0, "failed": 0, "ejected": 0})
            sum_["rate"] += rate.per_second
            sum_["failed"] += rate.failed
            sum_["ejected"] += ejected
            if rate.per_second or rate.failed or ejected:
                pairs.append(
                    {
                        "service": service.name,
                        "from": caller,
                        "to": mesh,
                        "rate": round(rate.per_second, 2),
                        "failed": rate.failed,
                        "share": round(rate.per_second / total, 4) if total else None,
                        "weight": round(service.shares.get(mesh, 0.0), 4) if service.prefer == "weights" else None,
                        "ejected": ejected,
                        "proxies": one.proxies,
                        "p50": quantile(latency, 0.5),
                        "p99": quantile(latency, 0.99),
                    }
                )
    whole = sum(one["rate"] for one in answers.values())
    for one in answers.values():
        one["share"] = round(one["rate"] / whole, 4) if whole else 0.0
        one["rate"] = round(one["rate"], 2)
    return {"name": service.name, "answers": answers, "pairs": pairs}


def _days(day: str, today: date) -> int | None:
    """Return how many days a certificate still has; None if its end is not known."""
    try:
        return (date.fromisoformat(day) - today).days
    except ValueError:
        return None
