"""What `preview` and `up` say of a CA that expires soon."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pulumi

SOON = timedelta(days=60)


def of(certificate_pem: str) -> str:
    """Return the end of a certificate's validity (RFC 3339); of the first, if there are several."""
    from cryptography import x509

    return f"{x509.load_pem_x509_certificate(certificate_pem.encode()).not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"


def notice(what: str, expires: str, remedy: str, now: datetime) -> str | None:
    """Return a line about a CA that expires (RFC 3339) within 60 days, ending in what to do; None for another."""
    end = datetime.fromisoformat(expires)
    if end - now > SOON:
        return None
    return f"multimesh:trust: {what} {'expired' if end <= now else 'expires'} on {end:%Y-%m-%d}: {remedy}"


def announce(what: str, expires: pulumi.Output[str], remedy: str, log: Callable[[str], None]) -> None:
    """Log that line, once it is known when the CA expires."""

    def say(at: str) -> None:
        if line := notice(what, at, remedy, datetime.now(UTC)):
            log(line)

    expires.apply(say)
