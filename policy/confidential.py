"""Private keys and kubeconfigs reach every resource as Pulumi secrets, so that the state holds them encrypted.

Pulumi shows remediations which values are secret; validations get them unwrapped. So this rule looks in a remediation,
which changes nothing, and reports in the validation of the same resource, which follows it. It judges inputs: of
outputs a policy is not told which are secret.
"""

import base64
import re
from collections.abc import Iterator
from typing import Any

import pulumi
from inputs import plain
from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy, Secret

_NAME = re.compile(r"(privatekey(pem|openssh|pempkcs8)?|(?<!public)keypem|tlskey|kubeconfigs?)$")
_PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z]+ )*PRIVATE KEY-----")
_KUBECONFIG = re.compile(r"""^[\s{]*["']?kind["']?:\s*["']?Config\b""", re.MULTILINE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")


def exposed(value: Any, path: str = "", confidential: bool = False) -> Iterator[str]:
    """Return where in a resource's inputs a private key or a kubeconfig stands in the clear: paths.

    `value` is plain, with pulumi_policy's `Secret` around what is secret. Told by the input's name, or by the text.
    """
    if isinstance(value, pulumi.AssetArchive):
        value = value.assets
    elif isinstance(value, pulumi.StringAsset):
        value = value.text
    if isinstance(value, dict):
        for key, inner in value.items():
            named = _NAME.search(re.sub("[^a-z]", "", key.lower())) is not None
            yield from exposed(inner, f"{path}.{key}" if path else key, named)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from exposed(inner, f"{path}[{index}]", confidential)
    elif isinstance(value, str) and value and (confidential or _shows(value)):
        yield path


def _shows(text: str) -> bool:
    """Return whether a text has a private key or a kubeconfig in it, also as base64, and as base64 of that."""
    if _PRIVATE_KEY.search(text) or _KUBECONFIG.search(text):
        return True
    unwrapped = "".join(text.split()) if re.fullmatch(r"[\w+/=\s-]+", text) else text
    runs = [found.group() for found in _BASE64.finditer(unwrapped)]
    return any(_shows(_decoded(run[start:])) for run in runs for start in range(4))  # a path may stand before it


def _decoded(text: str) -> str:
    """Return what base64 stands for, of whichever alphabet, padded or not."""
    letters = text.rstrip("=").replace("-", "+").replace("_", "/")
    whole = letters[:-1] if len(letters) % 4 == 1 else letters
    return base64.b64decode(whole + "=" * (-len(whole) % 4)).decode(errors="replace")


class _Confidential(ResourceValidationPolicy):
    def __init__(self) -> None:
        super().__init__(
            name="confidential-keys",
            description="Every private key and every kubeconfig is a Pulumi secret.",
            validate=self._report,
            remediate=self._look,
            enforcement_level=EnforcementLevel.REMEDIATE,
        )
        self._seen: dict[str, list[str]] = {}  # URN -> paths, from the remediation to the validation

    def _look(self, args: ResourceValidationArgs) -> None:
        inputs = plain(args.props)  # with their Secrets still around them
        self._seen[args.urn] = list(exposed(inputs))
        if inputs.get("type") == "SecureString" and not isinstance(inputs.get("value"), Secret):  # of AWS's SSM
            self._seen[args.urn].append("value")

    def _report(self, args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.urn not in self._seen:
            report("was not checked: set the enforcement level of this rule to `remediate`", None)
        for path in self._seen.pop(args.urn, []):
            report(f"{path}: must be a secret, is in the clear. Wrap it in pulumi.Output.secret", None)


RULE = _Confidential()
