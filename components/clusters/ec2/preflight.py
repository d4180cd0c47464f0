"""Whether AWS credentials are there, as far as that shows without a call: where the SDKs look for them.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

import configparser
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from components.clusters import sdk

_HINT = "see https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html"
_KEY = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_ASKED_FOR = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_VENDOR = Path("/sys/devices/virtual/dmi/id/sys_vendor")


def missing(
    profile: str | None, environment: Mapping[str, str] = os.environ
) -> Iterable[tuple[tuple[str, ...], Any, str]]:
    """Return what is missing of the credentials of a profile, or without one of those that the environment leads to.

    Each as (path of the key inside `cluster`, its value, what is missing and how to get it).
    """
    yield from sdk.missing("ec2", "pulumi-aws", "aws")
    named = profile or environment.get("AWS_PROFILE")
    known = _profiles(environment)
    if profile is None and any(environment.get(name) for name in (*_KEY, *_ASKED_FOR)):
        there = [name for name in _KEY if environment.get(name)]
        if len(there) == 1:
            (absent,) = {*_KEY} - {*there}
            yield (), {}, f"AWS credentials are half there: {there[0]} is set and {absent} is not"
    elif named is not None:
        if named not in known:
            listed = ", ".join(sorted(known)) or "none"
            where = "" if profile else f" {named!r}, which AWS_PROFILE names"
            yield (
                ("profile",) if profile else (),
                profile or {},
                f"no such AWS profile{where}; there is: {listed}. "
                f"Make it with: aws configure --profile {named}; {_HINT}",
            )
    elif "default" not in known and not _on_ec2():
        yield (
            (),
            {},
            "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            f"or run: aws configure; {_HINT}",
        )


def _profiles(environment: Mapping[str, str]) -> set[str]:
    """Return the profiles of the credentials file and of the configuration file, where they are `profile NAME`."""
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
    """Return whether this is an EC2 instance, whose role may give credentials."""
    try:
        return _VENDOR.read_text().strip() == "Amazon EC2"
    except OSError:
        return False
