"""Plain WSGI applications (PEP 3333); the integrations of Flask and Django build on this module.

from unified_logger.integrations.wsgi import Middleware

application = Middleware(application)
"""

from __future__ import annotations

import logging
from io import UnsupportedOperation

from ..context import propagation
from ..context.scope import _current
from ._request import Options, Request, leave_out_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType
    from typing import Any, TypeAlias

    Environ: TypeAlias = dict[str, Any]
    ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType]
    StartResponse: TypeAlias = Callable[..., Callable[[bytes], object]]
    Application: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]


class Middleware:
    """Gives every request of a WSGI application its context, an access record, and a response header with its trace.

    The context is current while the application runs, while its body is produced, and in the body's `close`. The record replaces the
    access line of Werkzeug's server.

    Args:
        app: The application.
        skip: Paths without an access record: whole paths, and beginnings that end with `*`.
        trusted_proxies: How many proxies are before this server, each of which appends to `X-Forwarded-For`.
        route: Returns the template of a request's path, or None. It is called with the environ when the response begins.

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
    ) -> None:
        self.app = app
        self.options = Options(skip, trusted_proxies)
        self.route = route
        self._headers = Headers()
        replace_lines_of("werkzeug", _is_line_of_werkzeug)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serves a request."""
        exchange = _Exchange(self.options, self._headers.of(environ))
        exchange.environ = environ
        exchange.start = start_response
        exchange.route_of = self.route
        exchange.length = exchange.route = None
        exchange.rest = None
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


class Headers:
    """Finds the wanted headers in the environ of WSGI."""

    __slots__ = ("_names", "_settings")

    def __init__(self) -> None:
        self._settings: propagation.Settings | None = None
        self._names: tuple[tuple[str, str], ...] = ()

    def of(self, environ: Mapping[str, Any]) -> dict[str, str]:
        """The wanted headers of a request, by lower-case name."""
        settings = propagation._settings
        if settings is not self._settings:
            # The names first: another thread may read both at the same time.
            self._names = tuple(("HTTP_" + name.upper().replace("-", "_"), name) for name in settings.wanted)
            self._settings = settings
        for key, _ in self._names:
            if key in environ:
                return {name: environ[key] for key, name in self._names if key in environ}
        return _NONE


_NONE: dict[str, str] = {}


class _Exchange(Request):
    """One request and its answer. The server gets it as the body."""

    __slots__ = ("_write", "begun", "body", "environ", "length", "pieces", "rest", "route", "route_of", "start")

    body: Any
    environ: Environ
    # The pieces of the body that were made before the server asked for them.
    begun: tuple[bytes, ...]
    # The length of the body, from the headers.
    length: str | None
    pieces: Iterator[bytes]
    # The body, if it is complete: the same once the server has sent it.
    rest: Iterator[bytes] | None
    route_of: Callable[[Environ], str | None] | None
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
        if self.route_of is not None:
            try:
                self.route = self.route_of(self.environ)
            except Exception:  # Whatever fails here, the answer is sent.
                self.route = None
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
            self.end(error)
            raise
        else:
            if not self.finished:
                self.end()
        finally:
            self.leave()

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
        finally:
            _current.set(before)

    def in_file(self, wrapper: Any) -> Iterable[bytes]:
        """Wraps a file with the server's own wrapper, which the server may send without iterating. `close` shows the end."""
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
        self.finish(method, path_of(environ), self.route, client, error)


class _Closing:
    """Closes a body that the server reads itself."""

    def __init__(self, close: Callable[[], None] | None) -> None:
        if close is not None:
            self.close = close


def path_of(environ: Mapping[str, Any]) -> str:
    """The path of a request as text. WSGI has its bytes, each as a character."""
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1", "replace").decode("utf-8", "replace")


def position(file: Any) -> int:
    """The present position in a file; 0 if the file does not know it."""
    try:
        return int(file.tell())
    except (AttributeError, OSError, TypeError, ValueError, UnsupportedOperation):
        return 0


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
