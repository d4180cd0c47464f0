"""A pod that calls services: a command run in it, and the counters of its proxy."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import OK, HTTPException

import yaml
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream
from kubernetes.stream.ws_client import ERROR_CHANNEL, WSClient
from websocket import WebSocketException

from multimesh.contract import SAMPLE
from multimesh.sidecar import ADMIN_PORT, administration
from multimesh.verify.counters import CountersError, Snapshot, parse_clusters

_ERRORS = (ApiException, WebSocketException, OSError)


@dataclass(frozen=True)
class CallingPod:
    """A pod of the sample service. It is a `multimesh.verify.echo_client.Run`."""

    api: client.CoreV1Api
    name: str

    def __call__(self, command: list[str]) -> tuple[str, str]:
        """Run a command in the container of the sample; a command that cannot be run has no output."""
        return self.together([command])[0]

    def together(self, commands: Sequence[list[str]]) -> list[tuple[str, str]]:
        """Run commands at the same time, each as `__call__` does; return what became of each, in their order."""
        return [self._end(started) for started in [self._start(command) for command in commands]]

    def _start(self, command: list[str]) -> WSClient | Exception:
        try:
            return stream(
                self.api.connect_get_namespaced_pod_exec,
                self.name,
                SAMPLE.namespace,
                container=SAMPLE.container,
                command=command,
                stdout=True,
                stderr=True,
                stdin=False,
                tty=False,
                _preload_content=False,
            )
        except _ERRORS as error:
            return error

    def _end(self, session: WSClient | Exception) -> tuple[str, str]:
        try:
            if isinstance(session, Exception):
                raise session
            session.run_forever(timeout=60)
            output, log = str(session.read_stdout(timeout=0)), str(session.read_stderr(timeout=0))
            status = yaml.safe_load(session.read_channel(ERROR_CHANNEL)) or {}
            session.sock.shutdown()  # close() does nothing once the server has closed the WebSocket
        except _ERRORS as error:
            return "", f"exec in pod {self.name}: {_brief(error)}"
        if status.get("status") == "Success":
            return output, ""
        said = log.strip() or output.strip() or str(status.get("message", "did not end within 60 s"))
        return output, "echo client: " + said.splitlines()[-1].rpartition("\t")[2].removeprefix("Error ")

    def counters(self) -> Snapshot:
        """Return what its proxy has counted. Raises CountersError as `proxy` does."""
        return parse_clusters(self.proxy("/clusters?format=json"))

    def proxy(self, path: str) -> str:
        """Return what its proxy's administration interface answers, by a Kubernetes port-forward of its own.

        Raises CountersError when the port-forward is refused or the proxy does not answer within 10 s.
        """
        try:
            forward, connection = administration(self.api, SAMPLE.namespace, self.name, 10)
            with closing(forward):
                connection.request("GET", path)
                response = connection.getresponse()
                status, text = response.status, response.read().decode()
        except (*_ERRORS, HTTPException) as error:
            raise CountersError(f"port-forward to pod {self.name}, port {ADMIN_PORT}: {_brief(error)}") from None
        if status != OK:
            raise CountersError(f"the proxy of pod {self.name} answered {status}")
        return text


def _brief(error: Exception) -> str:
    """Return the reason of an error, without the headers that websocket-client adds to a refusal."""
    return str(getattr(error, "reason", None) or error or type(error).__name__).partition(" -+-+- ")[0]
