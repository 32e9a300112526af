"""ASGI: a context and an access record for each request and each websocket of any application.

https://asgi.readthedocs.io/en/stable/specs/main.html
"""

from __future__ import annotations

from types import FunctionType

from ..context import propagation, request_path
from . import _servers
from ._access import Response
from ._options import Options, number_of
from ._request import CANCELLED, NO_ANSWER, Request, is_each, mark_logged
from ._routes import Routes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping
    from typing import Any, TypeAlias

    Scope: TypeAlias = MutableMapping[str, Any]
    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

    from ._access import Fields

# Key in the scope of a request that a middleware of this library has begun already.
_BEGUN = "unified_logger"
_FORWARDED = "x-forwarded-for"
# The values of a header that came several times are joined up to this length, bytes: more than any format allows.
_LONGEST_HEADER = 8_192
_SWITCHED = 101
_REFUSED = 403
# Codes of a websocket's end if none is given, by the specification of ASGI.
_CLOSED = 1000
_GONE = 1005
_BROKEN = 1006
# Headers that options of access records ask for.
_DETAILS = (b"user-agent", b"content-length")
# What Starlette raises then. It is told by its name, because nothing else needs Starlette here.
_OF_CLIENTS = ("ClientDisconnect", "WebSocketDisconnect")
# Versions of the specification in which a send to a client that has left raises no exception.
_SILENT = ("2.0", "2.1", "2.2", "2.3")


class Middleware:
    """An application whose requests and websockets each have a context and an access record. Lifespan is left alone.

    Args:
        app: The application.
        skip: Paths without an access record: whole paths, and beginnings that end with `*`.
        trusted_proxies: How many proxies are before this server, each of which appends to `X-Forwarded-For`.
        access_fields: A function that is called with the scope and the response (`status`, `headers`, `bytes`), and returns further fields
            of the access record.
        user_agent: Whether access records have the client's `User-Agent`.
        request_bytes: Whether they have the size of the request's body.

    Raises:
        ConfigurationError: An option is not allowed.
    """

    def __init__(
        self,
        app: Application,
        *,
        skip: Iterable[str] = (),
        trusted_proxies: int = 0,
        access_fields: Fields | None = None,
        user_agent: bool = False,
        request_bytes: bool = False,
    ) -> None:
        self.app = app
        self._options = Options(skip, trusted_proxies, access_fields, user_agent, request_bytes)
        self._routes = Routes(app)
        # The place of records without an endpoint: the application itself, if it is no more than a function.
        self._function = app if isinstance(app, FunctionType) else None
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
        of_kind = _Exchange if kind == "http" else _Socket
        connection: _Connection = of_kind(self, scope, receive, send, headers)
        try:
            await self.app(scope, connection.receive, connection.send)
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
        receive: The function of the server that receives.
        send: The function of the server that sends.
        headers: Its wanted headers.
    """

    __slots__ = (
        "_forwarded",
        "_headers",
        "_is_complete",
        "_middleware",
        "_path",
        "_raises",
        "_receive",
        "_received",
        "_root_path",
        "_scope",
        "_send",
        "_unsent",
    )

    # Further fields of its access record.
    more: dict[str, object] | None = None

    def __init__(
        self, middleware: Middleware, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]
    ) -> None:
        Request.__init__(self, middleware._options, headers)
        self._middleware = middleware
        self._scope = scope
        self._receive = receive
        self._send = send
        self._received = 0
        self._is_complete = False
        # Whether the server raises an exception at a send to a client that has left, and that exception.
        asgi = scope.get("asgi")
        self._raises = asgi is not None and asgi.get("spec_version", "2.0") not in _SILENT
        self._unsent: OSError | None = None
        self._headers: Iterable[tuple[bytes, bytes]] = ()
        # Older frameworks change them on the way.
        self._path: str = scope["path"]
        if request_path.wanted:
            request_path.variable.set(self._path)
        self._root_path: str = scope.get("root_path", "")
        self._forwarded = headers.get(_FORWARDED) if headers else None

    if TYPE_CHECKING:

        def _lose(self) -> None:
            """Notes that a send has found no client."""

        def receive(self) -> Awaitable[Message]:
            """The function through which the application receives; each kind of connection has its own."""

        def send(self, message: Message) -> Awaitable[None]:
            """The function through which the application sends; the same is true of it."""

    def end(self, status: int, error: Exception | None = None) -> None:
        """Logs the access record, unless that was done.

        Args:
            status: Used if the application has sent none.
            error: The exception that escaped the application.
        """
        if self.finished:
            return
        if not self.status:
            self.status = CANCELLED if self.gone and error is None else status
        scope = self._scope
        connected = scope.get("client")
        client = connected[0] if connected else None
        if self._forwarded is not None:
            client = self.options.client(client, self._forwarded)
        method = scope.get("method", "WEBSOCKET")
        if method == "HEAD":
            self.sent = 0  # Servers do not send such a body.
        more = self.more
        if self.options.has_details:
            given = {name: value.decode("latin-1") for name, value in scope.get("headers", ()) if name in _DETAILS}
            of_body = given.get(b"content-length")
            more = {**self.options.details(given.get(b"user-agent"), of_body, self._received), **(more or {})}
        middleware = self._middleware
        try:
            route = middleware._routes.template(scope, self._root_path)
        except Exception:  # The application may have put any object there as a route.
            route = None
        self.finish(method, self._path, route, client, error, more, scope.get("endpoint") or middleware._function)

    def shown(self, status: int) -> tuple[object, Response]:
        """The scope and the response."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._headers}
        return self._scope, Response(status, headers, self.sent)

    def fail(self, error: Exception) -> None:
        """Logs the exception that escaped the application, once: in the access record if that is not written yet."""
        if not self.finished:
            self.end(NO_ANSWER, error)
        else:
            try:
                route = self._middleware._routes.template(self._scope, self._root_path)
            except Exception:
                route = None
            self.failed_afterwards(error, self._scope.get("method", "WEBSOCKET"), self._path, route)

    def _with_trace(self, message: Message, status: int) -> Message:
        """The message that begins the answer, with the header that names the trace. A copy, since the application may use its own again."""
        trace_id = self.answer(status)
        if trace_id is None:
            given = message.get("headers", ())
            self._headers = given if isinstance(given, (list, tuple)) else ()
            return message
        own = self._middleware._header
        # In every case a list: they may come from a generator, which gives them once.
        self._headers = headers = [*message.get("headers", ())]
        for name, _ in headers:
            if name == own:
                break
        else:
            headers.append((own, trace_id.encode("latin-1")))
        return {**message, "headers": headers}

    async def _try(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError as error:
            self._lose()
            self._unsent = error
            raise

    def _tells_of_the_client(self, error: BaseException) -> bool:
        return error is self._unsent or type(error).__name__ in _OF_CLIENTS


class _Exchange(_Connection):
    """A request and its response."""

    __slots__ = ()

    def _lose(self) -> None:
        self.gone = True

    async def receive(self) -> Message:
        message = await self._receive()
        kind = message["type"]
        if kind == "http.request":
            self._received += len(message.get("body") or b"")
        elif kind == "http.disconnect" and not self._is_complete:
            self.gone = True
        return message

    def fail(self, error: Exception) -> None:
        # What frameworks raise because the client has left is no failure.
        if self.gone and not self.finished and is_each(error, self._tells_of_the_client):
            mark_logged(error)
            if not self.sent:
                self.status = CANCELLED  # The answer to that exception has reached nobody.
            self.end(CANCELLED)
        else:
            super().fail(error)

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
        elif kind == "http.response.pathsend":
            # The server reads the file: as much of it as the application has promised.
            self.sent += _content_length(self._headers)
            return self._complete(message)
        return self._try(message) if self._raises else self._send(message)

    async def _complete(self, message: Message) -> None:
        self._is_complete = True
        await (self._try(message) if self._raises else self._send(message))
        # After the answer of an error the framework raises the exception, and the record waits for it.
        if self.status < NO_ANSWER:
            self.end(NO_ANSWER)


class _Socket(_Connection):
    """A websocket, from its handshake to its end."""

    __slots__ = ("_messages_received", "_messages_sent", "close_code")

    def __init__(
        self, middleware: Middleware, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]
    ) -> None:
        super().__init__(middleware, scope, receive, send, headers)
        self.close_code: int | None = None
        self._messages_received = 0
        self._messages_sent = 0

    async def receive(self) -> Message:
        message = await self._receive()
        kind = message["type"]
        if kind == "websocket.receive":
            self._messages_received += 1
            self._received += _size(message)
        elif kind == "websocket.disconnect" and self.close_code is None:
            self.close_code = message.get("code") or _GONE
        return message

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
        return self._try(message) if self._raises else self._send(message)

    def _lose(self) -> None:
        if self.close_code is None:
            self.close_code = _BROKEN

    def fail(self, error: Exception) -> None:
        # An endpoint that waits for more, or sends more, gets an exception when there is no client any more: not a failure.
        if self.close_code is not None and is_each(error, self._tells_of_the_client):
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
        if name == b"content-length":
            return number_of(value.decode("latin-1")) or 0
    return 0


def _size(message: Message) -> int:
    data = message.get("bytes")
    if data is not None:
        return len(data)
    text = message.get("text") or ""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
