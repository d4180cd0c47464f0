"""The preflight of a cluster on EC2: it looks for AWS credentials where the SDKs do, and sends no request.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

import configparser
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from components.clusters import sdk
from components.clusters.ec2.settings import Ec2ClusterSettings
from components.clusters.missing import Missing, placeholders
from components.schema.problems import ABSENT

_HINT = "see https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html"
_KEY = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_ASKED_FOR = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_VENDOR = Path("/sys/devices/virtual/dmi/id/sys_vendor")


def missing(settings: Ec2ClusterSettings) -> Iterator[Missing]:
    """Yield what is missing before the cluster can be created."""
    yield from sdk.missing("ec2", "pulumi-aws", "aws")
    yield from placeholders(settings.api_cidrs)
    yield from missing_credentials(settings.profile)


def unreadable(_settings: Ec2ClusterSettings) -> Sequence[Missing]:
    """Return nothing: other clusters reach the API server at the address in the kubeconfig."""
    return ()


def pod_cidrs(settings: Ec2ClusterSettings) -> Sequence[str]:
    """Return the configured pod CIDR."""
    return [settings.pod_cidr]


def missing_credentials(profile: str | None, environment: Mapping[str, str] = os.environ) -> Iterator[Missing]:
    """Yield what a profile's credentials lack; without a `profile`, what the environment's credentials lack."""
    named = profile or environment.get("AWS_PROFILE")
    known = _profiles(environment)
    if profile is None and any(environment.get(name) for name in (*_KEY, *_ASKED_FOR)):
        there = [name for name in _KEY if environment.get(name)]
        if len(there) == 1:
            (absent,) = {*_KEY} - {*there}
            yield Missing((), ABSENT, f"incomplete AWS credentials: {there[0]} is set, {absent} is not")
    elif named is not None:
        if named not in known:
            listed = ", ".join(sorted(known)) or "none"
            where = "" if profile else f" {named!r}, which AWS_PROFILE names"
            yield Missing(
                ("profile",) if profile else (),
                profile or ABSENT,
                f"no such AWS profile{where}; existing profiles: {listed}. "
                f"Create it with: aws configure --profile {named}; {_HINT}",
            )
    elif "default" not in known and not _on_ec2():
        yield Missing(
            (),
            ABSENT,
            "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            f"or run: aws configure; {_HINT}",
        )


def _profiles(environment: Mapping[str, str]) -> set[str]:
    """Return the profiles in the credentials file and in the configuration file, whose sections are `profile NAME`."""
    home = Path(environment.get("HOME", "~")).expanduser() / ".aws"
    credentials = Path(environment.get("AWS_SHARED_CREDENTIALS_FILE", home / "credentials"))
    configuration = Path(environment.get("AWS_CONFIG_FILE", home / "config"))
    return set(_sections(credentials)) | {
        name.removeprefix("profile ").strip()
        for name in _sections(configuration)
        if name == "default" or name.startswith("profile ")
    }


def _sections(path: Path) -> list[str]:
    parser = configparser.RawConfigParser(default_section="")
    try:
        parser.read(path.expanduser())
    except (configparser.Error, UnicodeDecodeError, OSError):
        return []
    return parser.sections()


def _on_ec2() -> bool:
    """Return whether this is an EC2 instance, whose instance role may provide credentials."""
    try:
        return _VENDOR.read_text().strip() == "Amazon EC2"
    except OSError:
        return False
