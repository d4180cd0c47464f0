"""What a registry has under the name of an image: its digest, by OCI's distribution API.

Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
"""

import hashlib
import re

import httpx

_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_DIGEST = "docker-content-digest"


class RegistryError(Exception):
    """A registry did not say what it has under a name; the message is why."""


def digest(reference: str, client: httpx.Client) -> str:
    """Return the digest (`sha256:...`) of an image, or of the index of its platforms: that of the bytes that came.

    `reference` is host/name:tag; a host on this machine is asked without TLS, as container runtimes do. A registry that
    asks for a token gets that of nobody in particular. Raise RegistryError.
    """
    host, _, path = reference.partition("/")
    name, _, tag = path.rpartition(":")
    scheme = "http" if re.fullmatch(r"(localhost|127\.0\.0\.1)(:\d+)?", host) else "https"
    try:
        answer = _manifest(f"{scheme}://{host}/v2/{name}/manifests/{tag}", client)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RegistryError(str(error) or type(error).__name__) from error
    found = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
    said = answer.headers.get(_DIGEST, found)
    if said != found:
        raise RegistryError(f"the registry says {said}, and what it sent is {found}")
    return found


def _manifest(url: str, client: httpx.Client) -> httpx.Response:
    headers = {"accept": ", ".join(_MANIFESTS)}
    answer = client.get(url, headers=headers)
    if answer.status_code != httpx.codes.UNAUTHORIZED:
        return answer
    wanted = dict(re.findall(r'(\w+)="([^"]*)"', answer.headers.get("www-authenticate", "")))
    if "realm" not in wanted:
        return answer
    given = client.get(wanted.pop("realm"), params=wanted).raise_for_status().json()
    token = given.get("token") or given.get("access_token")
    return client.get(url, headers={**headers, "authorization": f"Bearer {token}"})
