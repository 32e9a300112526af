"""Django projects, under WSGI and ASGI.

In the settings::

MIDDLEWARE = ["unified_logger.integrations.django.Middleware", ...]
UNIFIED_LOGGER = {"skip": ["/health", "/static/*"]}
"""

from __future__ import annotations

import logging
from asyncio import CancelledError

from ._partner import need

need("django", "4.2", "django")

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.handlers.wsgi import WSGIRequest  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.utils.log import RequireDebugTrue, ServerFormatter, log_response  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402

from .. import values  # noqa: E402
from ..context import propagation, request_path  # noqa: E402
from ..errors import ConfigurationError  # noqa: E402
from ..process import exposition, start  # noqa: E402
from ._access import Response  # noqa: E402
from ._environ import WITHOUT_BODY, Headers, position  # noqa: E402
from ._options import Options, number_of  # noqa: E402
from ._request import CANCELLED, Request  # noqa: E402
from .wsgi import replace_lines_of  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
    from typing import Any

_OPTIONS = ("skip", "trusted_proxies", "access_fields", "user_agent", "request_bytes")


class Middleware:
    """Gives every request of a project its context, an access record, and a response header with its trace.

    It belongs first in `MIDDLEWARE`. The setting `UNIFIED_LOGGER` is a dictionary with its options, which are those of
    `unified_logger.integrations.wsgi.Middleware`; `access_fields` may also be the dotted path of a function. Django itself logs exceptions,
    through `django.request`, with the trace of the request.

    Args:
        get_response: The next middleware or the view.

    Raises:
        ImproperlyConfigured: An option is unknown or not allowed.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response
        self._options = _options()
        self._headers = Headers()
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
        _take_over()

    def __call__(self, request: Any) -> Any:
        """Serves a request, or returns an awaitable that does."""
        if self._is_async:
            return self._serve(request)
        exchange = _Exchange(self._options, request, self._headers.of(request.META))
        try:
            response = self._get_response(request)
            if response.status_code >= 400:
                _log_response(request, response)
        except BaseException as error:
            exchange.end(error)
            exchange.leave()
            raise
        return exchange.follow(response)

    async def _serve(self, request: Any) -> Any:
        exchange = _Exchange(self._options, request, self._headers.of(request.META))
        get_response: Callable[[Any], Awaitable[Any]] = self._get_response
        try:
            response = await get_response(request)
            if response.status_code >= 400:
                await sync_to_async(_log_response, thread_sensitive=False)(request, response)
        except BaseException as error:
            if not isinstance(error, Exception):
                exchange.status = CANCELLED
                exchange.note_cancelled(error)
            exchange.end(error)
            exchange.leave()
            raise
        return exchange.follow(response)


class _Exchange(Request):
    """One request and its answer."""

    __slots__ = ("_close", "_file", "_from", "_is_whole", "_request", "_response")

    def __init__(self, options: Options, request: Any, headers: Mapping[str, str]) -> None:
        super().__init__(options, headers)
        self._request = request
        if request_path.wanted:
            request_path.variable.set(request.path)
        self._response: Any = None
        # Whether nothing is missing of a body that is made in pieces.
        self._is_whole = True

    def follow(self, response: Any) -> Any:
        """Adds the header to a response, and follows it until it is closed."""
        trace_id = self.answer(response.status_code)
        if trace_id is not None:
            response.headers.setdefault(propagation.settings().response_header, trace_id)
        self._response = response
        self._close = response.close
        self._file = getattr(response, "file_to_stream", None)
        if self._file is not None:
            # The server may send it without iterating.
            self._from = position(self._file)
        elif response.streaming:
            content = response.streaming_content
            response.streaming_content = self._pieces_later(content) if response.is_async else self._pieces(content)
            self._is_whole = False
        response.close = self.close
        self.suspend()
        return response

    def _pieces(self, content: Any) -> Iterator[bytes]:
        self.resume()
        try:
            for piece in content:
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
        self._is_whole = True
        self.suspend()

    async def _pieces_later(self, content: Any) -> AsyncIterator[bytes]:
        self.resume()
        try:
            async for piece in content:
                self.suspend()
                yield piece
                self.resume()
                self.sent += len(piece)
        except GeneratorExit:
            raise
        except BaseException as error:
            if isinstance(self._request, WSGIRequest):
                self.sent = 0  # In this case Django takes all pieces before it sends the first.
            self.note_cancelled(error)
            self.end(error)
            self.suspend()
            raise
        self._is_whole = True
        self.suspend()

    def close(self) -> None:
        """Closes the response and ends the request. Objects that are closed with it may close it again."""
        close, self._close = self._close, None
        if self.left or close is None:
            return
        self.resume()
        try:
            if self._file is not None:
                self.sent += max(position(self._file) - self._from, 0)
            elif not self._response.streaming and self._request.method != "HEAD":
                self.sent = len(self._response.content)
            close()
        finally:
            self.gone = not self._is_whole and self._is_unsent()
            self.end()
            self.leave()
            # They refer to each other: only the garbage collector would free them.
            if self._response.__dict__.get("close") == self.close:
                del self._response.close
            self._response = None

    def note_cancelled(self, error: BaseException) -> None:
        """Django's handler of ASGI cancels a request if its client has left."""
        self.gone = isinstance(error, CancelledError) and not isinstance(self._request, WSGIRequest)

    def _is_unsent(self) -> bool:
        """Whether a part of a body is missing that a client would have got: a server closes it then before its end."""
        if self._request.method == "HEAD" or self.status in WITHOUT_BODY:
            return False
        length = self._response.headers.get("Content-Length")
        return length is None or self.sent < (number_of(length) or 0)

    def end(self, error: BaseException | None = None) -> None:
        """Logs the access record, once."""
        request, options = self._request, self.options
        meta = request.META
        if isinstance(request, WSGIRequest):
            self.failed_over_wsgi(error)
        self.finish(
            request.method or "",
            request.path,
            _route(request),
            options.client(
                meta.get("REMOTE_ADDR"), meta.get("HTTP_X_FORWARDED_FOR") if options.trusted_proxies else None
            ),
            error,
            options.details(meta.get("HTTP_USER_AGENT"), meta.get("CONTENT_LENGTH")) if options.has_details else None,
            _view(request),
        )

    def shown(self, status: int) -> tuple[object, Response]:
        """Django's request, and the response."""
        headers = {} if self._response is None else {name.lower(): value for name, value in self._response.items()}
        return self._request, Response(status, headers, self.sent)


def metrics_view(request: HttpRequest) -> HttpResponse:
    """A view that answers GET and HEAD with the metrics of the running configuration's log directory.

    Args:
        request: The request.

    Returns:
        The metrics, in the form that the client likes most.
    """
    given = (request.headers.get(name, "") for name in ("Accept", "Accept-Encoding"))
    answer = exposition.answer(request.method or "", *given)
    return HttpResponse(answer.body, status=answer.status, reason=answer.reason, headers=dict(answer.headers))


def _log_response(request: Any, response: Any) -> None:
    """Lets Django log a failed request now; it would log it later, when the context is gone, and logs it only once."""
    log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request)


def _route(request: Any) -> str | None:
    """The template that matched, with the slash at its beginning that Django leaves out."""
    match = request.resolver_match
    if match is None or match.route is None:
        return None
    route = str(match.route)
    return route if route.startswith(("/", "^")) else f"/{route}"


def _view(request: Any) -> object:
    """The view that has answered; the class, if it is one."""
    match = request.resolver_match
    if match is None:
        return None
    view = match.func
    return getattr(view, "view_class", None) or getattr(view, "cls", None) or view


def _options() -> Options:
    given = getattr(settings, "UNIFIED_LOGGER", {})
    if not isinstance(given, dict):
        raise ImproperlyConfigured(f"UNIFIED_LOGGER is a dictionary, not {given!r}")
    unknown = [name for name in given if name not in _OPTIONS]
    if unknown:
        raise ImproperlyConfigured(f"UNIFIED_LOGGER has no {unknown[0]!r}, only {', '.join(_OPTIONS)}")
    function = given.get("access_fields")
    if isinstance(function, str):
        given = {**given, "access_fields": import_string(function)}
    try:
        return Options(**given)
    except ConfigurationError as error:
        raise ImproperlyConfigured(f"UNIFIED_LOGGER: {error}") from error


def _take_over() -> None:
    """Replaces what Django prints by default with records. Loggers that a project has configured stay."""
    replace_lines_of("django.server", _is_line_of_request)
    if not start.is_started():
        return
    configured = (getattr(settings, "LOGGING", None) or {}).get("loggers") or {}
    if "django" not in configured:
        _remove_handlers("django", lambda handler: any(isinstance(each, RequireDebugTrue) for each in handler.filters))
    if "django.server" not in configured:
        _remove_handlers("django.server", lambda handler: isinstance(handler.formatter, ServerFormatter))
        logging.getLogger("django.server").propagate = True


def _is_line_of_request(record: logging.LogRecord) -> bool:
    """Whether a record of the development server is about a request; it logs other records too."""
    args = record.args
    if not hasattr(record, "server_time") or not isinstance(args, tuple) or not args:
        return False
    method, _, rest = str(args[0]).partition(" ")
    return method.isupper() and rest.startswith("/") and " HTTP/" in rest


def _remove_handlers(name: str, is_default: Callable[[logging.Handler], bool]) -> None:
    logger = logging.getLogger(name)
    for handler in logger.handlers[:]:
        if is_default(handler):
            logger.removeHandler(handler)


# Django's records have the request as a field. Its text would have the query string with its secrets.
values.register(HttpRequest, lambda request: f"{request.method} {request.path}")
