"""A plain ASGI application, called as a server calls it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from unified_logger.integrations.asgi import Middleware

_HEADERS = [
    (b"host", b"127.0.0.1:8000"),
    (b"user-agent", b"bench"),
    (b"accept", b"*/*"),
    (b"accept-encoding", b"gzip, deflate"),
    (b"connection", b"keep-alive"),
    (b"x-real-ip", b"10.0.0.1"),
]


async def _application(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"order 7"})


def serving(app: Any, answer: bytes) -> Callable[[int], None]:
    """Serves that many requests for /orders/7, one after the other."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    async def serve(calls: int) -> None:
        for _ in range(calls):
            sent.clear()
            scope = {
                "type": "http",
                "asgi": {"version": "3.0", "spec_version": "2.3"},
                "http_version": "1.1",
                "method": "GET",
                "scheme": "http",
                "path": "/orders/7",
                "raw_path": b"/orders/7",
                "query_string": b"",
                "root_path": "",
                "headers": _HEADERS,
                "client": ("10.0.0.1", 5000),
                "server": ("127.0.0.1", 8000),
                "state": {},
            }
            await app(scope, receive, send)
            assert sent[0]["status"] == 200
            assert sent[1]["body"] == answer

    loop = asyncio.new_event_loop()
    return lambda calls: loop.run_until_complete(serve(calls))


def plain() -> Callable[[int], None]:
    """Serves that many requests without the middleware."""
    return serving(_application, b"order 7")


def ours() -> Callable[[int], None]:
    """Serves that many requests with it."""
    return serving(Middleware(_application), b"order 7")
