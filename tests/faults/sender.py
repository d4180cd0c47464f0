"""Sends a steady load from inside a pod, and prints one line of JSON per request. Runs on the pod's own Python.

Arguments: protocol, host, port, requests per second. It ends when its standard input does, or after 3 minutes. Each
request has a connection of its own, except those of gRPC, which share one.
"""

import json
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

AT_MOST, AT_ONCE, TIMEOUT = 180, 100, 5.0
MESH = re.compile(rb"Cluster=(\w+)")


def ask_http(host: str, port: int) -> bytes:
    connection = HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise OSError(f"status {response.status}")
    return body


def ask_tcp(host: str, port: int) -> bytes:
    with socket.create_connection((host, port), TIMEOUT) as connection:
        connection.sendall(b"hello\n")
        said = b""
        while not said.endswith(b"hello\n"):
            piece = connection.recv(65536)
            if not piece:
                raise OSError("closed")
            said += piece
    return said


def ask_postgresql(host: str, port: int) -> bytes:
    import psycopg2  # type: ignore[import-not-found]  # in the pod

    connection = psycopg2.connect(host=host, port=port, user="shop", dbname="postgres", connect_timeout=int(TIMEOUT))
    try:
        with connection.cursor() as cursor:
            cursor.execute("show cluster_name")
            [(mesh,)] = cursor.fetchall()
            return b"Cluster=" + mesh.encode()
    finally:
        connection.close()


def new_grpc(host: str, port: int) -> Callable[[str, int], bytes]:
    """Return what calls the echo server's unary method, by one channel."""
    import grpc

    method = grpc.insecure_channel(f"{host}:{port}").unary_unary("/proto.EchoTestService/Echo")
    return lambda *_: method(b"", timeout=TIMEOUT)


def main(protocol: str, host: str, port: int, per_second: int) -> None:
    asks = {"http": ask_http, "tcp": ask_tcp, "postgresql": ask_postgresql}
    ask = new_grpc(host, port) if protocol == "grpc" else asks[protocol]
    stop, printing = threading.Event(), threading.Lock()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()

    def one() -> None:
        line: dict[str, float | str] = {"sent": time.monotonic()}
        try:
            found = MESH.search(ask(host, port))
            line |= {"mesh": found[1].decode()} if found else {"failed": "no mesh named"}
        except Exception as error:  # whatever it is, it is counted
            code = getattr(error, "code", None)
            line["failed"] = f"{protocol}: {code() if callable(code) else str(error).splitlines()[0]}"
        line["over"] = time.monotonic()
        with printing:
            print(json.dumps(line), flush=True)

    start = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(per_second * AT_MOST):
            if stop.wait(max(0, start + number / per_second - time.monotonic())):
                break
            pool.submit(one)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
