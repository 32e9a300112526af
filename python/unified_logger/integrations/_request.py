"""What the middlewares of WSGI, ASGI and the frameworks share: a request's context, its access record, its trace in the response.

A middleware keeps one `Options`. For each request it

1. collects the headers that `propagation.settings().wanted` names, by lower-case name, values of the same name joined with commas;
2. makes a `Request` of them, whose context is current from then on;
3. calls `answer(status)` as the response begins, and sends what it returns as the header `propagation.settings().response_header`,
   unless the application sends that one itself;
4. adds the bytes of the body to `sent` as they leave;
5. calls `finish(...)` once the response has ended, with the exception if one escaped the application. Only the first call counts;
6. calls `leave()` at the very end. Between the pieces of a body it may `suspend()` and `resume()` the context, so that a server's
   thread has nothing of the request while it does something else.

Nothing here raises for what a client sent.
"""

from __future__ import annotations

from contextvars import ContextVar
from logging import INFO, WARNING

from .._core import current_context, new_trace
from ..clocks import perf_counter_ns
from ..context import Scope, foreign, make, propagation
from ..context.scope import _current, _innermost
from ..context.trace_formats import is_id
from ..errors import ConfigurationError
from ..logger import get_logger
from ..process import engine
from ._sentry import left_to_sentry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .._core import Context

# Where access records are logged.
LOGGER = "unified_logger.access"

# What clients choose is cut at these lengths, in characters.
LONGEST_PATH = 1_024
LONGEST_METHOD = 32
LONGEST_CLIENT = 64

# What servers answer for an application that does not.
NO_ANSWER = 500

_logger = get_logger(LOGGER)
_LOGGED = "_unified_logger_logged"

# Whether the request that this thread or task serves is ours to tell of: the server's own line about it is left out then.
_ours: ContextVar[bool] = ContextVar("unified_logger_request", default=False)


class Options:
    """The options that every middleware takes, checked.

    Args:
        skip: Paths without an access record: whole ones, and beginnings that end with `*`. The context is theirs nevertheless,
            and an exception that escapes is logged.
        trusted_proxies: How many proxies stand before this server, each of which appends to `X-Forwarded-For`. The client is
            the address that the outermost of them saw; with 0 it is whoever is connected, and that header is not read.

    Raises:
        ConfigurationError: An option is not as it must be.
    """

    __slots__ = ("_beginnings", "_paths", "skips_some", "trusted_proxies")

    def __init__(self, skip: Iterable[str] = (), trusted_proxies: int = 0) -> None:
        if isinstance(skip, str):
            skip = (skip,)
        paths = tuple(skip)
        for path in paths:
            if not isinstance(path, str) or not path.startswith("/") or "*" in path[:-1]:
                raise ConfigurationError(
                    source="argument",
                    key="skip",
                    value=path,
                    allowed="a path such as /health, or a beginning such as /static/*",
                )
        if not isinstance(trusted_proxies, int) or isinstance(trusted_proxies, bool) or trusted_proxies < 0:
            raise ConfigurationError(
                source="argument",
                key="trusted_proxies",
                value=trusted_proxies,
                allowed="a number of proxies, 0 or more",
            )
        self._paths = frozenset(path for path in paths if not path.endswith("*"))
        self._beginnings = tuple(path[:-1] for path in paths if path.endswith("*"))
        self.skips_some = bool(paths)
        self.trusted_proxies = trusted_proxies

    def skips(self, path: str) -> bool:
        """Whether requests for this path have no access record."""
        return path in self._paths or path.startswith(self._beginnings)

    def client(self, connected: str | None, forwarded: str | None) -> str | None:
        """Who asks.

        Args:
            connected: The address that is connected.
            forwarded: The value of `X-Forwarded-For`. Need only be looked up with `trusted_proxies`.

        Returns:
            An address, or None if it is not known.
        """
        if self.trusted_proxies and forwarded:
            seen = forwarded.rsplit(",", self.trusted_proxies)
            if len(seen) >= self.trusted_proxies:
                return seen[-self.trusted_proxies].strip()[:LONGEST_CLIENT] or connected
        return connected


class Request(Scope):
    """One request. Its context is current as soon as it is made.

    Args:
        options: Those of the middleware.
        headers: The wanted headers that it has, by lower-case name.
    """

    __slots__ = ("_answered", "_inside", "_inside_scope", "_then", "finished", "options", "sent", "started", "status")

    context: Context

    def __init__(self, options: Options, headers: Mapping[str, str]) -> None:
        self.started = perf_counter_ns()
        self.status = 0
        self.sent = 0
        self.finished = False
        self.options = options
        # As `Scope` does it. Calls are what a middleware costs, and most requests begin a trace.
        self.owner = None
        self.left = self.strayed = False
        self.before = _current.get()
        self.outer = _innermost.get()
        begun = new_trace() if not headers and foreign() is None else _begun(headers)
        # What is told as the response begins, which may be another tracing library's, and what the request's own context was then.
        self.context = self._answered = self._then = self.request = begun
        self.is_shared = True
        _innermost.set(self)
        _current.set(begun)
        if not _ours.get():
            _ours.set(True)

    def answer(self, status: int) -> str | None:
        """Notes that the response begins: with its status, and with the trace as the application has left it.

        Args:
            status: Its HTTP status. A later call, with the status of an error, counts instead.

        Returns:
            The trace id for the client; None to send none.
        """
        self.status = status
        answered = self.context
        current = current_context()
        if current is not answered and current is not None and _innermost.get() is self:
            # Not what this thread or task has: that may change yet.
            self._then = then = self.context.now
            is_own = (current.trace_id, current.span_id) == (then.trace_id, then.span_id)
            self._answered = answered = then if is_own else current
        trace_id = answered.trace_id
        if trace_id is None or not propagation._settings.response_header:
            return None
        # One that the application has set may be anything.
        return trace_id if answered is self.context or is_id(trace_id) else None

    def as_answered(self) -> Context:
        """What was current as the response began, with what was set within the request since then."""
        answered, now = self._answered, self.context.now
        if answered is self.context or now in (self._then, self.context):
            return answered
        return make(
            answered.trace_id,
            answered.span_id,
            {**answered.fields, **now.fields},
            answered.parent_span_id,
            answered.carried,
            answered.level,
        )

    def failed_over_wsgi(self, error: BaseException | None) -> None:
        """Notes the status that a client has seen of an application that failed: headers go out with the first piece (PEP 3333)."""
        if isinstance(error, Exception) and not self.sent:
            self.status = NO_ANSWER

    def finish(
        self,
        method: str,
        path: str,
        route: str | None,
        client: str | None,
        error: BaseException | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        """Logs the access record, unless that was done or the path is skipped.

        It is an INFO, a WARNING with a status of 500 and above, and an ERROR with an exception that escaped.

        Args:
            method: Of the request.
            path: Of the request, as text, without the query.
            route: The template that the path was found by; None where there is none.
            client: Who asked.
            error: What escaped the application. Whatever the framework has handled it has logged. What is no `Exception`, such as
                the end of the process or of a task, is no error of the application.
            more: Further fields.
        """
        if self.finished:
            return
        self.finished = True
        duration = (perf_counter_ns() - self.started) / 1_000_000
        if error is not None and isinstance(error, Exception):
            mark_logged(error)
        elif self.options.skips_some and self.options.skips(path):
            return
        else:
            error = None
        if len(path) > LONGEST_PATH:
            path = path[:LONGEST_PATH]
        if len(method) > LONGEST_METHOD:
            method = method[:LONGEST_METHOD]
        if route is None:
            route = path
        # Who answers nothing leaves it to the server.
        status = self.status or NO_ANSWER
        message = f"{method} {route} {status}"
        answered = self.as_answered()
        before = _current.get()
        if before is not answered:
            _current.set(answered)
        try:
            parent_span_id = answered.parent_span_id
            if status < 500 and error is None and more is None and parent_span_id is None:
                # Most are such, and a call with its names in the code is the cheapest.
                _logger.info(
                    message,
                    method=method,
                    route=route,
                    path=path,
                    status=status,
                    duration_ms=duration,
                    bytes=self.sent,
                    client=client,
                )
                return
            fields: dict[str, Any] = {"parent_span_id": parent_span_id} if parent_span_id else {}
            fields |= {
                "method": method,
                "route": route,
                "path": path,
                "status": status,
                "duration_ms": duration,
                "bytes": self.sent,
                "client": client,
                **(more or {}),
            }
            if error is not None:
                with left_to_sentry(LOGGER):
                    _logger.error(message, **fields, exc_info=error)
            else:
                _logger.log(WARNING if status >= 500 else INFO, message, **fields)
        finally:
            if before is not answered:
                _current.set(before)

    def suspend(self) -> None:
        """Takes the context off this thread or task, with everything that is still open inside, until `resume`."""
        self._inside, self._inside_scope = _current.get(), _innermost.get()
        _innermost.set(self.outer)
        _current.set(self.before)

    def resume(self) -> None:
        """Makes the context current again as `suspend` left it, also in another thread or task."""
        self.before, self.outer = _current.get(), _innermost.get()
        _innermost.set(self._inside_scope)
        _current.set(self._inside)
        self._inside_scope = None  # It is mostly this one, and would keep itself alive.

    def leave(self) -> None:
        """Ends the context. Scopes that the application has left open end with it: the thread serves others next."""
        if self.left:
            return
        self.left = True
        scope = _innermost.get()
        while scope is not self:
            if scope is None:
                # A coroutine that is thrown away ends wherever that happens: nothing there is this request's.
                self.strayed = True
                return
            scope = scope.outer
        _innermost.set(self.outer)
        _current.set(self.before)
        if self.outer is not None:
            self.forget_left()


def _begun(headers: Mapping[str, str]) -> Context:
    """The context of a request that has headers, or that another tracing library has begun."""
    named = propagation.request_id(headers)
    return propagation.begin(propagation.extract(headers), {} if named is None else {"request_id": named})


def mark_logged(error: BaseException) -> None:
    """Notes that an exception is logged, so that a server it escapes to need not do it again."""
    try:
        error.__dict__[_LOGGED] = True
    except Exception:  # Its class has an own idea of attributes: then it is logged twice.
        return


def is_logged(error: BaseException | None) -> bool:
    """Whether an exception was logged, and the server it escapes to has not asked yet."""
    try:
        return error is not None and _LOGGED in error.__dict__
    except Exception:
        return False


def take_logged(error: BaseException | None) -> bool:
    """The same, for the line of the server, once: the exception may be raised again, by another request."""
    if error is None or not is_logged(error):
        return False
    del error.__dict__[_LOGGED]
    return True


def leave_out_line() -> bool:
    """Whether the server's line about the request that this thread or task serves is to be left out. Asked once for each line."""
    if not _ours.get():
        return False
    _ours.set(False)
    # Where logging was never started and the root logger has its usual level, nobody would see anything of the request.
    return _logger.isEnabledFor(INFO) or engine.settings() is not None
