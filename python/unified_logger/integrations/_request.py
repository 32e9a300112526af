"""What the middlewares of WSGI, ASGI and the frameworks share: the context of a request, its access record, its trace in the response.

A middleware keeps one `Options`. For each request it

1. collects the headers that `propagation.settings().wanted` names, by lower-case name, values of the same name joined with commas;
2. makes a `Request` of them, whose context is current from then on;
3. calls `answer(status)` when the response begins, and sends the result as the header `propagation.settings().response_header`,
   unless the application sends that header itself;
4. adds the bytes of the body to `sent` as they are sent;
5. calls `finish(...)` when the response has ended, with the exception if one escaped the application. Only the first call counts;
6. calls `leave()` at the very end. Between the pieces of a body it may `suspend()` and `resume()` the context, so that the server's
   thread does not have it while it does something else.

Whatever a client sends, nothing here raises because of it.
"""

from __future__ import annotations

from contextvars import ContextVar
from logging import ERROR, INFO, WARNING

from .._core import current_context, new_trace
from ..clocks import perf_counter_ns
from ..context import Scope, foreign, make, propagation, recording, request_path
from ..context.scope import _current, _innermost
from ..context.trace_formats import is_id
from ..process import engine, uncaught
from ._access import LOGGER, Response, fields_of, place_of
from ._access import logger as _logger
from ._options import Options
from ._sentry import left_to_sentry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .._core import Context

# Values that clients choose are cut at these lengths, in characters.
LONGEST_PATH = 1_024
LONGEST_METHOD = 32

# The status that servers answer for an application that does not answer.
NO_ANSWER = 500
# The status that logs show for a request whose client did not wait.
CANCELLED = 499

_LOGGED = "_unified_logger_logged"

# Whether the request of this thread or task gets an access record here. Then the server's own line about it is left out.
_lines_to_leave_out: ContextVar[bool] = ContextVar("unified_logger_request", default=False)


class Request(Scope):
    """One request. Its context is current as soon as it is made.

    Args:
        options: The options of the middleware.
        headers: The wanted headers of the request, by lower-case name.
    """

    __slots__ = (
        "_answered",
        "_inside",
        "_inside_scope",
        "_then",
        "finished",
        "gone",
        "options",
        "sent",
        "started",
        "status",
    )

    context: Context

    def __init__(self, options: Options, headers: Mapping[str, str]) -> None:
        self.started = perf_counter_ns()
        self.status = 0
        self.sent = 0
        self.finished = False
        # Whether the client has left before its response was complete.
        self.gone = False
        self.options = options
        # Like `Scope.__init__`, without a call to it: calls are the cost of a middleware, and most requests begin a trace.
        self.owner = None
        self.left = self.strayed = self.is_recorded = False
        self.before = _current.get()
        self.outer = _innermost.get()
        begun = new_trace() if not headers and foreign() is None else _begun(headers)
        # The context that is sent when the response begins (it may be another library's), and the request's own context at that time.
        self.context = self._answered = self._then = self.request = begun
        self.is_shared = True
        if recording.is_on:
            self.is_recorded = recording.entered(begun, None if self.outer is None else self.before)
        _innermost.set(self)
        _current.set(begun)
        if recording.is_on and recording.asks(headers):
            try:
                recording.write(begun, "asked")
            except BaseException:  # A signal handler may raise anything, and nobody would leave the request.
                self.leave()
                raise
        if not _lines_to_leave_out.get():
            _lines_to_leave_out.set(True)

    def answer(self, status: int) -> str | None:
        """Notes that the response begins: its status, and the trace that is current in the application now.

        Args:
            status: Its HTTP status. A later call, with the status of an error, counts instead.

        Returns:
            The trace id for the client; None to send none.
        """
        self.status = status
        answered = self.context
        current = current_context()
        if current is not answered and current is not None and _innermost.get() is self:
            # Not the context of this thread or task, because that may still change.
            self._then = then = self.context.now
            is_own = (current.trace_id, current.span_id) == (then.trace_id, then.span_id)
            self._answered = answered = then if is_own else current
        trace_id = answered.trace_id
        if trace_id is None or not propagation._settings.response_header:
            return None
        # If the application has set it, it may be any object.
        return trace_id if answered is self.context or is_id(trace_id) else None

    def as_answered(self) -> Context:
        """The context that was current when the response began, with the fields that the request has set since then."""
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
            answered.sampling,
        )

    def failed_over_wsgi(self, error: BaseException | None) -> None:
        """Notes the status that the client has seen of a failed application: headers are sent with the first piece (PEP 3333)."""
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
        endpoint: object = None,
    ) -> None:
        """Logs the access record, unless that was done or the path is skipped.

        It is an INFO, a WARNING with a status of 500 and above, and an ERROR with an exception that escaped. If the client has left, no
        status is a warning.

        Args:
            method: Of the request.
            path: Of the request, as text, without the query.
            route: The template of the path; None if there is none.
            client: The address of the client.
            error: The exception that escaped the application. If the framework has handled one, it has logged it. If it is not an
                `Exception` (the end of the process or of a task), it is not an error of the application.
            more: Further fields.
            endpoint: What the application has answered with, whose call site the record gets.
        """
        if self.finished:
            return
        self.finished = True
        if request_path.wanted:
            request_path.variable.set(None)
        duration = (perf_counter_ns() - self.started) / 1_000_000
        if not isinstance(error, Exception):
            error = None
        # If the application does not answer, the server does.
        status = self.status or (CANCELLED if self.gone else NO_ANSWER)
        try:
            if recording.is_on and (error is not None or status >= 500) and not self.gone:
                recording.write(self.context, f"status {status}" if error is None else "exception")
        finally:
            self._log(method, path, route, client, error, more, endpoint, status, duration)

    def _log(
        self,
        method: str,
        path: str,
        route: str | None,
        client: str | None,
        error: Exception | None,
        more: Mapping[str, object] | None,
        endpoint: object,
        status: int,
        duration: float,
    ) -> None:
        if error is not None:
            mark_logged(error)
        elif self.options.skips_some and self.options.skips(path):
            return
        if len(path) > LONGEST_PATH:
            path = path[:LONGEST_PATH]
        if len(method) > LONGEST_METHOD:
            method = method[:LONGEST_METHOD]
        if route is None:
            route = path
        message = f"{method} {route} {status}"
        place = place_of(endpoint, method)
        answered = self.as_answered()
        before = _current.get()
        if before is not answered:
            _current.set(answered)
        try:
            parent_span_id = answered.parent_span_id
            function = self.options.access_fields
            if function is not None:
                # As fields of the context they may have any name, and the record's own fields stay.
                given = fields_of(function, *self.shown(status))
                joined = {**answered.fields, **given}
                _current.set(
                    make(
                        answered.trace_id,
                        answered.span_id,
                        joined,
                        parent_span_id,
                        answered.carried,
                        answered.level,
                        answered.sampling,
                    )
                )
            if status < 500 and error is None and more is None and parent_span_id is None and not self.gone:
                # Most requests end here.
                place.emit(message, method, route, path, status, duration, self.sent, client)
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
            if self.gone:
                fields["outcome"] = "client_disconnected"
            if error is not None:
                with left_to_sentry(LOGGER):
                    place.emit_more(ERROR, message, fields | {"exc_info": error})
            else:
                place.emit_more(WARNING if status >= 500 and not self.gone else INFO, message, fields)
        finally:
            if _current.get() is not before:
                _current.set(before)

    def shown(self, status: int) -> tuple[object, Response]:
        """What `access_fields` is called with: the request, and its response.

        Args:
            status: The status of the record.
        """
        return None, Response(status, {}, self.sent)

    def failed_afterwards(self, error: Exception, method: str, path: str, route: str | None) -> None:
        """Logs an exception that escaped the application after the access record was written.

        Args:
            error: The exception.
            method: Of the request.
            path: Of the request, without the query.
            route: The template of the path; None if there is none.
        """
        # Even if it was logged elsewhere: the same object may be raised for one request after the other.
        mark_logged(error)
        fields = {"method": method[:LONGEST_METHOD], "route": route or path[:LONGEST_PATH], "path": path[:LONGEST_PATH]}
        with left_to_sentry(uncaught.LOGGER):
            uncaught.log("exception after the response", error, {**fields, "status": self.status or NO_ANSWER})

    def suspend(self) -> None:
        """Takes the context, with all scopes that are still open inside, off this thread or task until `resume`."""
        self._inside, self._inside_scope = _current.get(), _innermost.get()
        _innermost.set(self.outer)
        _current.set(self.before)

    def resume(self) -> None:
        """Makes the context current again as `suspend` left it, also in another thread or task."""
        self.before, self.outer = _current.get(), _innermost.get()
        _innermost.set(self._inside_scope)
        _current.set(self._inside)
        self._inside_scope = None  # It is mostly this object, and would keep itself alive.

    def _restore(self, again: bool) -> None:
        """Ends scopes that the application has left open, too: the thread serves other requests next."""
        if again:
            return
        scope = _innermost.get()
        while scope is not self:
            if scope is None:
                # A discarded coroutine ends in any thread or task: nothing there belongs to this request.
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


def is_each(error: BaseException, is_one: Callable[[BaseException], bool]) -> bool:
    """Whether something holds for an exception, or for each in a group of them, as task groups make it."""
    members = getattr(error, "exceptions", None)
    if isinstance(error, Exception) and isinstance(members, tuple) and members:
        return all(isinstance(member, BaseException) and is_each(member, is_one) for member in members)
    return is_one(error)


def mark_logged(error: BaseException) -> None:
    """Notes that an exception is logged, so that the server need not log it again if it escapes."""
    try:
        error.__dict__[_LOGGED] = True
    except Exception:  # Its class does not allow the attribute: then it is logged twice.
        return


def is_logged(error: BaseException | None) -> bool:
    """Whether an exception was logged, and no server has asked about it yet."""
    try:
        return error is not None and _LOGGED in error.__dict__
    except Exception:
        return False


def take_logged(error: BaseException | None) -> bool:
    """Whether an exception was logged, answered once: another request may raise the same exception again."""
    if error is None or not is_logged(error):
        return False
    del error.__dict__[_LOGGED]
    return True


def leave_out_line() -> bool:
    """Whether to leave out the server's line about the request of this thread or task. Answered once: the answer is cleared."""
    if not _lines_to_leave_out.get():
        return False
    _lines_to_leave_out.set(False)
    # If logging was never started and the root logger has its usual level, the access record would not be seen either.
    return _logger.isEnabledFor(INFO) or engine.settings() is not None
