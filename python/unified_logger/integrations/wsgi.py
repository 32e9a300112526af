"""Plain WSGI applications (PEP 3333); the integrations of Flask and Django build on this module.

from unified_logger.integrations.wsgi import Middleware

application = Middleware(application)
"""

from __future__ import annotations

import logging
from types import FunctionType

from ..context import propagation, request_path
from ..context.scope import _current, _innermost
from ._access import Response
from ._environ import WITHOUT_BODY, Headers, path_of, position
from ._options import Options, number_of
from ._request import Request, leave_out_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import Any, TypeAlias

    Environ: TypeAlias = dict[str, Any]
    ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType]
    StartResponse: TypeAlias = Callable[..., Callable[[bytes], object]]
    Application: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

    from ._access import Fields


class Middleware:
    """Gives every request of a WSGI application its context, an access record, and a response header with its trace.

    The context is current while the application runs, while its body is produced, and in the body's `close`. The record replaces the
    access line of Werkzeug's server.

    Args:
        app: The application.
        skip: Paths without an access record: whole paths, and beginnings that end with `*`.
        trusted_proxies: How many proxies are before this server, each of which appends to `X-Forwarded-For`.
        route: Returns the template of a request's path, or None. It is called with the environ when the response begins.
        access_fields: A function that is called with the environ and the response (`status`, `headers`, `bytes`), and returns further fields
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
        route: Callable[[Environ], str | None] | None = None,
        access_fields: Fields | None = None,
        user_agent: bool = False,
        request_bytes: bool = False,
    ) -> None:
        self.app = app
        self.options = Options(skip, trusted_proxies, access_fields, user_agent, request_bytes)
        self.route = route
        # The place of records: the application itself, if it is no more than a function.
        self._function = app if isinstance(app, FunctionType) else None
        self._looks = route is not None or type(self).look_at is not Middleware.look_at
        self._headers = Headers()
        replace_lines_of("werkzeug", _is_line_of_werkzeug)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serves a request."""
        scope = _innermost.get()
        while scope is not None:
            if isinstance(scope, _Exchange) and scope.environ is environ and not scope.finished:
                # A middleware outside of this one has begun the request. It is told what this one knows of it.
                if self._looks:
                    scope.middleware = self
                scope.endpoint = self._function or scope.endpoint
                return self.app(environ, start_response)
            scope = scope.outer
        exchange = _Exchange(self.options, self._headers.of(environ))
        exchange.environ = environ
        exchange.start = start_response
        exchange.middleware = self
        exchange.length = exchange.route = None
        exchange.shown_request = environ
        exchange.headers = ()
        exchange.is_file = False
        exchange.endpoint = self._function
        exchange.rest = None
        if request_path.wanted:
            request_path.variable.set(path_of(environ))
        try:
            body: Iterable[bytes] = self.app(environ, exchange.start_response)
            exchange.body = body
            if isinstance(body, (list, tuple)):
                # The body is complete, and servers that see its length need no chunks.
                exchange.sent += sum(map(len, body))
                exchange.end()
                exchange.leave()
                return body
            wrapper = environ.get("wsgi.file_wrapper")
            if wrapper is not None and isinstance(wrapper, type) and isinstance(body, wrapper):
                answer = exchange.in_file(body)
                exchange.suspend()
                return answer
            # The first piece is made at once, while the context is current.
            exchange.pieces = iter(body)
            first = next(exchange.pieces, b"")
            exchange.begun = (first,) if first else ()
            if exchange.length == str(len(first)):
                # There are no more pieces.
                exchange.sent += len(first)
                exchange.end()
                exchange.leave()
                return exchange
        except BaseException as error:
            exchange.abandon(error)
            raise
        exchange.suspend()
        return exchange

    def look_at(self, exchange: Any) -> None:
        """Called when the response of a request begins, while the application's own view of the request is there.

        Args:
            exchange: Gets `route`, and may get `endpoint` and `shown_request`.
        """
        if self.route is not None:
            exchange.route = self.route(exchange.environ)


class _Exchange(Request):
    """One request and its answer. The server gets it as the body."""

    __slots__ = (
        "_write",
        "begun",
        "body",
        "endpoint",
        "environ",
        "headers",
        "is_file",
        "length",
        "middleware",
        "pieces",
        "rest",
        "route",
        "shown_request",
        "start",
    )

    body: Any
    environ: Environ
    # The pieces of the body that were made before the server asked for them.
    begun: tuple[bytes, ...]
    # The length of the body, from the headers.
    length: str | None
    pieces: Iterator[bytes]
    # The body, if it is complete: the same once the server has sent it.
    rest: Iterator[bytes] | None
    middleware: Middleware
    # What the application has answered with, and the request in the form that it knows.
    endpoint: object
    shown_request: object
    headers: Iterable[tuple[str, str]]
    # Whether the body is a file that the server may send without iterating.
    is_file: bool
    start: StartResponse
    route: str | None

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """Begins the response, with the trace among its headers."""
        try:
            code = int(status[:3])
        except (TypeError, ValueError):
            code = 0  # The server reports a wrong status itself.
        trace_id = self.answer(code)
        if self.middleware._looks:
            try:
                self.middleware.look_at(self)
            except Exception:  # Whatever fails here, the answer is sent.
                self.route = None
        self.headers = headers
        if exc_info is not None:
            self.length = None  # Another answer replaces the previous one.
        name = propagation._settings.response_header
        size = len(name)
        for given, value in headers:
            if given == "Content-Length":
                self.length = value
            elif len(given) == size and given.lower() == name.lower():
                trace_id = None  # The application has set its own.
        if trace_id is not None:
            headers = [*headers, (name, trace_id)]
        self._write = self.start(status, headers) if exc_info is None else self.start(status, headers, exc_info)
        return self.write

    def write(self, data: bytes) -> None:
        """Sends a piece of the body, for very old applications."""
        self._write(data)
        self.sent += len(data)

    def __iter__(self) -> Iterator[bytes]:
        return self._whole() if self.finished else self._stream()

    def _whole(self) -> Iterator[bytes]:
        yield from self.begun
        # After its last piece an application acts only in `close`. A context here too would cost as much again.
        self.rest = self.pieces

    def _stream(self) -> Iterator[bytes]:
        yield from self.begun
        self.resume()
        self.sent += sum(map(len, self.begun))
        try:
            for piece in self.pieces:
                self.suspend()
                yield piece
                self.resume()
                self.sent += len(piece)
        except GeneratorExit:
            raise  # Left at the yield, where the context is no longer current.
        except BaseException as error:
            self.end(error)
            self.suspend()
            raise
        self.end()
        self.suspend()

    def close(self) -> None:
        """Closes the application's body, and ends the request if its end was not reached."""
        body, self.body = self.body, None
        if body is None:
            return
        if self.left:
            self._close_whole(body)
            return
        self.resume()
        try:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            if self.finished and isinstance(error, Exception):
                self.failed_afterwards(error, self.environ.get("REQUEST_METHOD", ""), path_of(self.environ), self.route)
            self.end(error)
            raise
        else:
            if not self.finished:
                # The server closes a body before its end only if it can send no more of it.
                self.gone = self._is_unsent()
                self.end()
        finally:
            self.leave()

    def _is_unsent(self) -> bool:
        """Whether a part of the body is missing that a client would have got."""
        if self.environ.get("REQUEST_METHOD") == "HEAD" or self.status in WITHOUT_BODY:
            return False
        if self.is_file:
            # How much the server has sent of it is not always known.
            return 0 < self.sent < (number_of(self.length) or 0)
        return self.length is None or self.sent < (number_of(self.length) or 0)

    def _close_whole(self, body: Any) -> None:
        """Closes the body of an answer whose request has ended: records of `close` still have the request's trace."""
        close = getattr(body, "close", None)
        if close is None and self.rest is None:
            return
        before = _current.get()
        _current.set(self.as_answered())
        try:
            for _ in self.rest or ():
                pass  # A complete body is followed by nothing but empty pieces.
            if close is not None:
                close()
        except Exception as error:
            self.failed_afterwards(error, self.environ.get("REQUEST_METHOD", ""), path_of(self.environ), self.route)
            raise
        finally:
            _current.set(before)

    def in_file(self, wrapper: Any) -> Iterable[bytes]:
        """Wraps a file with the server's own wrapper, which the server may send without iterating. `close` shows the end."""
        self.is_file = True
        file = getattr(wrapper, "filelike", None)
        begin = position(file)
        inner = getattr(wrapper, "close", None)

        def close() -> None:
            self.sent += max(position(file) - begin, 0)
            self.close()

        try:
            wrapper.close = close
        except AttributeError:
            self.begun, self.pieces = (), iter(wrapper)
            return self
        self.body = _Closing(inner)
        served: Iterable[bytes] = wrapper
        return served

    def abandon(self, error: BaseException) -> None:
        """Ends a request whose body the server never gets."""
        close = getattr(getattr(self, "body", None), "close", None)
        try:
            self.end(error)
            if close is not None:
                close()
        finally:
            self.leave()

    def end(self, error: BaseException | None = None) -> None:
        """Logs the access record, once."""
        if self.finished:
            return
        environ, options = self.environ, self.options
        client = environ.get("REMOTE_ADDR")
        if options.trusted_proxies:
            client = options.client(client, environ.get("HTTP_X_FORWARDED_FOR"))
        method = environ.get("REQUEST_METHOD", "")
        self.failed_over_wsgi(error)
        if method == "HEAD":
            self.sent = 0  # Servers send the headers alone.
        more = None
        if options.has_details:
            more = options.details(environ.get("HTTP_USER_AGENT"), environ.get("CONTENT_LENGTH"))
        self.finish(method, path_of(environ), self.route, client, error, more, self.endpoint)

    def shown(self, status: int) -> tuple[object, Response]:
        """The request in the form that the application knows, and the response."""
        return self.shown_request, Response(status, {name.lower(): value for name, value in self.headers}, self.sent)


class _Closing:
    """Closes a body that the server reads itself."""

    def __init__(self, close: Callable[[], None] | None) -> None:
        if close is not None:
            self.close = close


class _LeaveOut(logging.Filter):
    """Leaves out the lines that a server logs for requests with an access record."""

    def __init__(self, is_line: Callable[[logging.LogRecord], bool]) -> None:
        super().__init__()
        self._is_line = is_line

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be logged."""
        return not (self._is_line(record) and leave_out_line())


def replace_lines_of(logger: str, is_line: Callable[[logging.LogRecord], bool]) -> None:
    """Lets access records replace a server's own lines. Harmless when repeated.

    Args:
        logger: The name of the logger that logs them.
        is_line: Whether a record of it is such a line.
    """
    target = logging.getLogger(logger)
    if not any(isinstance(found, _LeaveOut) for found in target.filters):
        target.addFilter(_LeaveOut(is_line))


def _is_line_of_werkzeug(record: logging.LogRecord) -> bool:
    return isinstance(record.msg, str) and record.msg.rstrip().endswith(' "%s" %s %s')
