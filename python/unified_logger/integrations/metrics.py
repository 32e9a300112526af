"""The metrics as applications of WSGI and ASGI, which are put at a path of others. `django.metrics_view` is the same for Django.

from unified_logger.integrations.metrics import WSGIApp

application = DispatcherMiddleware(application, {"/metrics": WSGIApp()})
"""

from __future__ import annotations

from ..process import exposition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping
    from os import PathLike
    from typing import Any, TypeAlias

    Message: TypeAlias = MutableMapping[str, Any]


class _App:
    """An application that answers with the metrics.

    Args:
        directory: The log directory. By default it is that of the running configuration at the time of the request. Before logging has
            started, and without a log directory, this process is told alone.
    """

    def __init__(self, directory: str | PathLike[str] | None = None) -> None:
        self.directory = directory


class WSGIApp(_App):
    """An application of WSGI (PEP 3333) that answers GET and HEAD with the metrics, whatever the path.

    Args:
        directory: The log directory. By default it is that of the running configuration at the time of the request. Before logging has
            started, and without a log directory, this process is told alone.
    """

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        """Answers a request."""
        accept, encoding = environ.get("HTTP_ACCEPT", ""), environ.get("HTTP_ACCEPT_ENCODING", "")
        status, reason, headers, body = exposition.answer(environ["REQUEST_METHOD"], accept, encoding, self.directory)
        start_response(f"{status} {reason}", headers)
        return [body]


class ASGIApp(_App):
    """An application of ASGI that answers GET and HEAD with the metrics, whatever the path. It refuses websockets.

    Args:
        directory: The log directory. By default it is that of the running configuration at the time of the request. Before logging has
            started, and without a log directory, this process is told alone.
    """

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answers a request, or what else a server asks."""
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        elif scope["type"] == "http":
            accept, encoding = (_header(scope, name) for name in (b"accept", b"accept-encoding"))
            # On another thread it would wait for all else that the program has threads do, and it takes a few milliseconds at most.
            status, _, headers, body = exposition.answer(scope["method"], accept, encoding, self.directory)
            encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
            await send({"type": "http.response.start", "status": status, "headers": encoded})
            await send({"type": "http.response.body", "body": body})


def _header(scope: MutableMapping[str, Any], name: bytes) -> str:
    return ", ".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)
