"""The cluster and the user of a kubeconfig's context, checked, and made independent of the folder they were read in.

The content of certificate and key files is taken in, as `kubectl config view --flatten` does. The files of tokens are
not: whoever writes them renews the tokens.
"""

import base64
import os
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from components.clusters.kubeconfig_files import KubeconfigError, read_bytes, read_text

Entry = dict[str, Any]

_PEM = b"-----BEGIN "
_REMOVED = ("azure", "gcp")
_PRECEDING = ("token", "tokenFile", "username", "client-certificate-data")
"""The credentials with which kubectl does not run the user's program."""


def flat_cluster(cluster: Entry, folder: Path) -> Entry:
    """Return the cluster with its CA taken in; relative paths start from `folder`.

    Raise KubeconfigError if a field is unusable, or an HTTP proxy or API server is not given by its URL.
    """
    flat = _taken_in(cluster, folder, "certificate-authority")
    _check_authority(flat.get("certificate-authority-data"))
    _check_url("server", flat.get("server"), "https", "http")
    if flat.get("insecure-skip-tls-verify") and flat.get("certificate-authority-data"):
        raise KubeconfigError("insecure-skip-tls-verify contradicts certificate-authority: remove one of them")
    if proxy := flat.get("proxy-url"):
        if str(proxy).startswith("socks"):
            raise KubeconfigError(
                f"proxy-url: {_shown(proxy)}: SOCKS is not supported. Set an HTTP proxy, or forward a port to the API "
                "server (ssh -L), and set server to that port and tls-server-name to a name in its certificate"
            )
        _check_url("proxy-url", proxy, "http", "https")
    if not isinstance(flat.get("tls-server-name", ""), str):
        raise KubeconfigError("tls-server-name must be text")
    return flat


def flat_user(user: Entry, folder: Path) -> Entry:
    """Return the user with the certificate and the key taken in, and the paths of other files made absolute.

    As for kubectl, a token file replaces a token, and a program (`exec`) is looked up on PATH if it has no slash.
    Raise KubeconfigError if a field is unusable or a file is missing.
    """
    flat = _taken_in(_taken_in(user, folder, "client-certificate"), folder, "client-key")
    if bool(flat.get("client-certificate-data")) != bool(flat.get("client-key-data")):
        raise KubeconfigError("has only one of client-certificate and client-key: set both, or neither")
    if file := flat.get("tokenFile"):
        flat["tokenFile"] = str(path := _path("tokenFile", file, folder))
        flat.pop("token", None)
        try:
            read_text(path)
        except KubeconfigError as error:
            raise KubeconfigError(f"tokenFile: {path}: {error}") from error
    for key in ("token", "username", "password"):
        if not isinstance(flat.get(key) or "", str):
            raise KubeconfigError(f"{key} must be text: set it in quotes")
    if any(flat.get(key) for key in _PRECEDING):
        flat.pop("exec", None)
    if flat.get("exec") is not None:
        flat["exec"] = _plugin(flat["exec"], folder)
    provider = flat.get("auth-provider")
    if isinstance(provider, dict) and provider.get("name") in _REMOVED:
        raise KubeconfigError(
            f"auth-provider {provider['name']} is no longer supported by Kubernetes: use the cloud's credential plugin"
        )
    return {key: value for key, value in flat.items() if value is not None}


def _taken_in(entry: Entry, folder: Path, key: str) -> Entry:
    """Return the entry with the content of the file that `key` names in `<key>-data`, which has precedence."""
    flat = {name: value for name, value in entry.items() if name not in (key, f"{key}-data")}
    if data := entry.get(f"{key}-data"):
        try:
            content = base64.b64decode("".join(data.split()) if isinstance(data, str) else "%", validate=True)
        except ValueError:
            raise KubeconfigError(f"{key}-data is not base64") from None
        if _PEM not in content:
            raise KubeconfigError(f"{key}-data is not PEM in base64")
        return {**flat, f"{key}-data": data}
    if file := entry.get(key):
        path = _path(key, file, folder)
        try:
            content = read_bytes(path)
        except KubeconfigError as error:
            raise KubeconfigError(f"{key}: {path}: {error}") from error
        if _PEM not in content:
            raise KubeconfigError(f"{key}: {path}: is not PEM")
        return {**flat, f"{key}-data": base64.b64encode(content).decode()}
    return flat


def _check_authority(data: str | None) -> None:
    try:
        if data:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=base64.b64decode(data).decode())
    except (ssl.SSLError, UnicodeDecodeError):
        raise KubeconfigError("certificate-authority is not a PEM certificate") from None


def _plugin(plugin: Any, folder: Path) -> Entry:
    """Return an `exec` whose command is absolute if it has a slash. Raise KubeconfigError if a field is unusable."""
    if not isinstance(plugin, dict) or not isinstance(command := plugin.get("command"), str) or not command:
        raise KubeconfigError("exec has no command: set the program that returns the user's credentials")
    if not isinstance(plugin.get("apiVersion"), str):
        raise KubeconfigError("exec has no apiVersion: set client.authentication.k8s.io/v1, or what the program needs")
    arguments, variables = plugin.get("args") or [], plugin.get("env") or []
    if not isinstance(arguments, list) or not all(isinstance(argument, str) for argument in arguments):
        raise KubeconfigError("exec.args must be a list of texts")
    if not isinstance(variables, list) or not all(map(_is_variable, variables)):
        raise KubeconfigError("exec.env must be a list of mappings with the texts name and value")
    if any("\0" in text for text in (command, *arguments, *(text for each in variables for text in each.values()))):
        raise KubeconfigError("exec has a null character in its command, args or env")
    located = str(_path("exec.command", command, folder)) if os.sep in command else command
    return {**plugin, "command": located, "args": arguments, "env": variables}


def _is_variable(entry: Any) -> bool:
    texts = isinstance(entry, dict) and entry.keys() == {"name", "value"}
    return texts and all(isinstance(text, str) for text in entry.values()) and "=" not in entry["name"] != ""


def _path(key: str, file: Any, folder: Path) -> Path:
    if not isinstance(file, str):
        raise KubeconfigError(f"{key} must be the path of a file")
    return Path(os.path.normpath(folder / file))


def _check_url(key: str, url: Any, *schemes: str) -> None:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        usable = parts.scheme in schemes and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or set(url) & set(" \t\r\n\0"):
        raise KubeconfigError(f"{key}: {_shown(url)}: must be a URL such as {schemes[0]}://<host>:<port>")


def _shown(url: Any) -> str:
    """Return a URL without the password that it may have."""
    return str(url).rpartition("@")[2][:80]
