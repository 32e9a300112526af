"""Calls ASGI applications as a server does, without one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Header = tuple[bytes, bytes]
Message = dict[str, Any]


def http(path: str = "/", headers: Iterable[Header] = (), **more: Any) -> dict[str, Any]:
    """The scope of a request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogatepass"),
        "query_string": b"",
        "root_path": "",
        "headers": list(headers),
        "client": ("192.0.2.7", 5000),
        "server": ("127.0.0.1", 8000),
    } | more


def websocket(path: str = "/", headers: Iterable[Header] = (), **more: Any) -> dict[str, Any]:
    """The scope of a websocket."""
    scope = http(path, headers, type="websocket", scheme="ws", subprotocols=[]) | more
    del scope["method"]
    return scope


class Call:
    """One call of an application: what it is given to receive, and what it sent."""

    def __init__(self, *received: Message) -> None:
        self.left = list(received) or [{"type": "http.request", "body": b"", "more_body": False}]
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        return self.left.pop(0) if self.left else {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def __call__(self, app: Any, scope: dict[str, Any]) -> Call:
        await app(scope, self.receive, self.send)
        return self

    @property
    def headers(self) -> dict[bytes, bytes]:
        """Of the first message that has any."""
        found: Sequence[Header] = next((message["headers"] for message in self.sent if "headers" in message), ())
        assert len(dict(found)) == len(found), f"a header is there twice: {found}"
        return dict(found)


def hello(status: int = 200, body: bytes = b"hello", headers: Iterable[Header] = ()) -> list[Message]:
    """What an application sends that answers at once."""
    return [
        {"type": "http.response.start", "status": status, "headers": list(headers)},
        {"type": "http.response.body", "body": body},
    ]
