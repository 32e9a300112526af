"""Applications of WSGI behind a real server on loopback, asked over HTTP."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

ACCESS = "unified_logger.access"
PATIENCE = 30


class Answer(NamedTuple):
    """What a client got; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@contextmanager
def serving(app: Any) -> Iterator[int]:
    """Serves with Werkzeug's server, a thread for each connection; gives the port."""
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join(PATIENCE)
        server.server_close()


def ask(port: int, path: str = "/", method: str = "GET", headers: dict[str, str] | None = None) -> Answer:
    """Asks once, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def ask_raw(port: int, request: bytes) -> bytes:
    """Sends bytes as they are and reads until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while piece := connection.recv(65_536):
            found += piece
        return found


def eventually(find: Callable[[], Any], enough: Callable[[Any], bool] = bool) -> Any:
    """What `find` gives once it is enough: a server may log after the client has its answer."""
    deadline = time.monotonic() + PATIENCE
    while not enough(found := find()):
        assert time.monotonic() < deadline, f"not enough: {found}"
        time.sleep(0.005)
    return found


def access_of(records: Callable[..., list[dict[str, Any]]], count: int = 1) -> list[dict[str, Any]]:
    """The access records, once there are that many; more fail."""
    found = eventually(
        lambda: [record for record in records() if record["logger"] == ACCESS], lambda found: len(found) >= count
    )
    assert len(found) == count, found
    return found  # type: ignore[no-any-return]
