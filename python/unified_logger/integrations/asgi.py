"""ASGI: a context and an access record for each request and each websocket of any application.

https://asgi.readthedocs.io/en/stable/specs/main.html
"""

from __future__ import annotations

from ..context import propagation
from ..process import uncaught
from . import _servers
from ._request import NO_ANSWER, Options, Request, mark_logged
from ._routes import Routes
from ._sentry import left_to_sentry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping
    from typing import Any, TypeAlias

    Scope: TypeAlias = MutableMapping[str, Any]
    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

# Key in the scope of a request that a middleware of this library has begun already.
_BEGUN = "unified_logger"
_FORWARDED = "x-forwarded-for"
# The values of a header that came several times are joined up to this length, bytes: more than any format allows.
_LONGEST_HEADER = 8_192
# The status that logs show for a request whose client did not wait.
CANCELLED = 499
_SWITCHED = 101
_REFUSED = 403
# Codes of a websocket's end if none is given, by the specification of ASGI.
_CLOSED = 1000
_GONE = 1005


class Middleware:
    """An application whose requests and websockets each have a context and an access record. Lifespan is left alone.

    Args:
        app: The application.
        skip: Paths without an access record: whole paths, and beginnings that end with `*`.
        trusted_proxies: How many proxies are before this server, each of which appends to `X-Forwarded-For`.

    Raises:
        ConfigurationError: An option is not allowed.
    """

    def __init__(self, app: Application, *, skip: Iterable[str] = (), trusted_proxies: int = 0) -> None:
        self.app = app
        self._options = Options(skip, trusted_proxies)
        self._routes = Routes(app)
        self._configure(propagation.settings())
        _servers.take_over()

    def _configure(self, settings: propagation.Settings) -> None:
        names = [*settings.wanted, *([_FORWARDED] if self._options.trusted_proxies else [])]
        self._wanted = {name.encode("latin-1"): name for name in names}
        self._header = settings.response_header.lower().encode("latin-1")
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a connection, as the specification of ASGI requires."""
        kind = scope["type"]
        if (kind != "http" and kind != "websocket") or _BEGUN in scope:
            await self.app(scope, receive, send)
            return
        scope[_BEGUN] = True
        if propagation._settings is not self._settings:
            self._configure(propagation._settings)
        wanted = self._wanted
        headers: dict[str, str] = {}
        for name, value in scope.get("headers", ()):
            if name in wanted:
                _add(headers, wanted[name], value)
        connection: _Connection
        if kind == "http":
            connection = _Exchange(self, scope, send, headers)
        else:
            connection = socket = _Socket(self, scope, send, headers)
            receive = socket.hear(receive)
        try:
            await self.app(scope, receive, connection.send)
        except Exception as error:
            connection.fail(error)
            raise
        except BaseException:
            connection.end(CANCELLED)
            raise
        else:
            if not connection.finished:
                connection.end(NO_ANSWER)
        finally:
            connection.leave()


class _Connection(Request):
    """One request or websocket.

    Args:
        middleware: The middleware that it belongs to.
        scope: Its scope.
        send: The function of the server that sends.
        headers: Its wanted headers.
    """

    __slots__ = ("_forwarded", "_middleware", "_path", "_root_path", "_scope", "_send")

    # Further fields of its access record.
    more: dict[str, object] | None = None

    def __init__(self, middleware: Middleware, scope: Scope, send: Send, headers: dict[str, str]) -> None:
        Request.__init__(self, middleware._options, headers)
        self._middleware = middleware
        self._scope = scope
        self._send = send
        # Older frameworks change them on the way.
        self._path: str = scope["path"]
        self._root_path: str = scope.get("root_path", "")
        self._forwarded = headers.get(_FORWARDED) if headers else None

    if TYPE_CHECKING:

        def send(self, message: Message) -> Awaitable[None]:
            """The function through which the application sends; each kind of connection has its own."""

    def end(self, status: int, error: Exception | None = None) -> None:
        """Logs the access record, unless that was done.

        Args:
            status: Used if the application has sent none.
            error: The exception that escaped the application.
        """
        if self.finished:
            return
        if not self.status:
            self.status = status
        scope = self._scope
        connected = scope.get("client")
        client = connected[0] if connected else None
        if self._forwarded is not None:
            client = self.options.client(client, self._forwarded)
        method = scope.get("method", "WEBSOCKET")
        if method == "HEAD":
            self.sent = 0  # Servers do not send such a body.
        try:
            route = self._middleware._routes.template(scope, self._root_path)
        except Exception:  # The application may have put any object there as a route.
            route = None
        self.finish(
            method,
            self._path,
            route,
            client,
            error,
            self.more,
        )

    def fail(self, error: Exception) -> None:
        """Logs the exception that escaped the application, once: in the access record if that is not written yet."""
        if not self.finished:
            self.end(NO_ANSWER, error)
        else:
            # Even if it was logged elsewhere: the same object may be raised for one request after the other.
            mark_logged(error)
            with left_to_sentry(uncaught.LOGGER):
                uncaught.log("exception after the response", error)

    def _with_trace(self, message: Message, status: int) -> Message:
        """The message that begins the answer, with the header that names the trace. A copy, since the application may use its own again."""
        trace_id = self.answer(status)
        if trace_id is None:
            return message
        own = self._middleware._header
        headers = [*message.get("headers", ())]
        for name, _ in headers:
            if name == own:
                break
        else:
            headers.append((own, trace_id.encode("latin-1")))
        # In every case a list: they may come from a generator, which gives them once.
        return {**message, "headers": headers}


class _Exchange(_Connection):
    """A request and its response."""

    __slots__ = ("_headers",)

    def send(self, message: Message) -> Awaitable[None]:
        kind = message["type"]
        if kind == "http.response.body":
            body = message.get("body")
            if body:
                self.sent += len(body)
            if not message.get("more_body"):
                return self._complete(message)
        elif kind == "http.response.start":
            message = self._with_trace(message, message.get("status", 0))
            self._headers = message.get("headers", ())
        elif kind == "http.response.pathsend":
            # The server reads the file: as much of it as the application has promised.
            self.sent += _content_length(getattr(self, "_headers", ()))
            return self._complete(message)
        return self._send(message)

    async def _complete(self, message: Message) -> None:
        await self._send(message)
        # After the answer of an error the framework raises the exception, and the record waits for it.
        if self.status < NO_ANSWER:
            self.end(NO_ANSWER)


class _Socket(_Connection):
    """A websocket, from its handshake to its end."""

    __slots__ = ("_messages_received", "_messages_sent", "close_code")

    def __init__(self, middleware: Middleware, scope: Scope, send: Send, headers: dict[str, str]) -> None:
        super().__init__(middleware, scope, send, headers)
        self.close_code: int | None = None
        self._messages_received = 0
        self._messages_sent = 0

    def hear(self, receive: Receive) -> Receive:
        """The function through which the application receives."""

        async def counted() -> Message:
            message = await receive()
            kind = message["type"]
            if kind == "websocket.receive":
                self._messages_received += 1
            elif kind == "websocket.disconnect" and self.close_code is None:
                self.close_code = message.get("code") or _GONE
            return message

        return counted

    def send(self, message: Message) -> Awaitable[None]:
        kind = message["type"]
        if kind == "websocket.send":
            self._messages_sent += 1
            self.sent += _size(message)
        elif kind == "websocket.accept":
            # Headers came with version 2.1 of the specification.
            if self._scope.get("asgi", {}).get("spec_version", "2.0") == "2.0":
                self.answer(_SWITCHED)
            else:
                message = self._with_trace(message, _SWITCHED)
        elif kind == "websocket.close":
            if not self.status:
                self.answer(_REFUSED)
            elif self.close_code is None:
                self.close_code = message.get("code") or _CLOSED
        elif kind == "websocket.http.response.start":
            message = self._with_trace(message, message.get("status", 0))
        elif kind == "websocket.http.response.body":
            self.sent += len(message.get("body") or b"")
        return self._send(message)

    def fail(self, error: Exception) -> None:
        # An endpoint that waits for more gets this exception of Starlette's when there is no more: not a failure.
        if self.close_code is not None and type(error).__name__ == "WebSocketDisconnect":
            mark_logged(error)
            self.end(NO_ANSWER)
        else:
            super().fail(error)

    @property
    def more(self) -> dict[str, object]:  # type: ignore[override]
        """The number of messages each way, and the code of the end."""
        counted: dict[str, object] = {
            "messages_received": self._messages_received,
            "messages_sent": self._messages_sent,
        }
        return counted if self.close_code is None else {"close_code": self.close_code, **counted}


def _add(headers: dict[str, str], name: str, value: bytes) -> None:
    """Adds a header; if it is there already, the values are joined."""
    text = value.decode("latin-1")
    before = headers.get(name)
    if before is None:
        headers[name] = text
    elif name == _FORWARDED:
        # The last addresses count, which proxies append: the client may have sent any number before them.
        headers[name] = f"{before},{text}"[-_LONGEST_HEADER:]
    elif len(before) <= _LONGEST_HEADER:
        headers[name] = f"{before},{text}"


def _content_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    for name, value in headers:
        if name == b"content-length" and value.isdigit() and len(value) < 20:
            return int(value)
    return 0


def _size(message: Message) -> int:
    data = message.get("bytes")
    if data is not None:
        return len(data)
    text = message.get("text") or ""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
