"""Traces across processes: read from the headers of a request, written to those of an outgoing call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .. import _core
from . import headers as _headers
from . import recording
from .blocks import LoggingContext
from .scope import Scope, foreign, make
from .trace_formats import (
    B3_HEADERS,
    SAMPLED,
    WITHOUT_STATE,
    Carried,
    Remote,
    are_hexadecimal,
    is_id,
    parse_b3,
    parse_b3_ids,
    parse_traceparent,
    parse_tracestate,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Settings(NamedTuple):
    """Which headers are read and written.

    Args:
        headers: Names in lower case, in order of preference. `traceparent` and `b3` have their formats. `x-request-id` names the
            request, and the trace if no other header does. Any other header holds a trace id.
        response_header: The header in which a response names its trace; empty for none.
        reads_state: Whether `tracestate` is read and written beside headers other than `traceparent`: it has the threshold of a trace
            that is sampled by its probability.
        request_headers: Names of further headers that are read of requests, in lower case.
    """

    headers: tuple[str, ...]
    response_header: str
    reads_state: bool = False
    request_headers: tuple[str, ...] = ()

    @property
    def wanted(self) -> tuple[str, ...]:
        """The names of all headers that `extract` reads."""
        names: list[str] = []
        for name in self.headers:
            names += {"traceparent": ("traceparent", "tracestate"), "b3": B3_HEADERS}.get(name, (name,))
        if self.reads_state and "tracestate" not in names:
            names.append("tracestate")
        return (*names, *self.request_headers)


_settings: Settings


def configure(
    headers: tuple[str, ...], response_header: str, reads_state: bool = False, request_headers: tuple[str, ...] = ()
) -> None:
    """Sets which headers are read and written from now on.

    Args:
        headers: As `Settings.headers`, in any case.
        response_header: As `Settings.response_header`.
        reads_state: As `Settings.reads_state`.
        request_headers: As `Settings.request_headers`.
    """
    global _settings
    # Names of headers are compared in lower case.
    _settings = Settings(tuple(name.lower() for name in headers), response_header, reads_state, request_headers)


configure(*_headers.configured)


def settings() -> Settings:
    """The configured headers."""
    return _settings


def extract(headers: Mapping[str, str]) -> Remote | None:
    """The trace that the headers name: by the first configured header that is present and well-formed.

    A malformed header is ignored and counted. If a name came more than once, its values are joined with commas, as in HTTP.

    Args:
        headers: Values by name in lower case; only those of `Settings.wanted` are read.

    Returns:
        The trace, or None if a new one begins.
    """
    if not headers:
        return None
    for name in _settings.headers:
        if name == "traceparent":
            found = _from_traceparent(headers)
        elif name == "b3":
            found = with_state(_from_b3(headers), headers)
        else:
            found = with_state(from_id(headers.get(name)), headers)
        if found is not None:
            return found
    return None


def with_state(found: Remote | None, headers: Mapping[str, str]) -> Remote | None:
    """A trace that another header than `traceparent` names, with the `tracestate` beside it if that counts.

    Args:
        found: The trace, or None.
        headers: Values by name in lower case.

    Returns:
        The trace, or None.
    """
    if found is None or not _settings.reads_state:
        return found
    state = parse_tracestate(headers.get("tracestate", ""))
    if state is None:
        _malformed()
    if not state:
        return found
    return found._replace(carried=Carried(None if found.carried is None else found.carried.flags, state))


def request_id(headers: Mapping[str, str]) -> str | None:
    """The id of the request itself, if `x-request-id` is configured and well-formed.

    Args:
        headers: Values by name in lower case.

    Returns:
        The id, or None.
    """
    if "x-request-id" not in _settings.headers:
        return None
    value = headers.get("x-request-id", "").strip(" \t")
    return value if is_id(value) else None


def from_id(value: str | None) -> Remote | None:
    """The trace that has this id. A malformed id is ignored and counted.

    Args:
        value: The value of a header; None if the header is missing.

    Returns:
        The trace, or None.
    """
    if value is None:
        return None
    value = value.strip(" \t")
    return Remote(value) if is_id(value) else _malformed()


def begin(remote: Remote | None, fields: dict[str, object], level: int | None = None) -> _core.Context:
    """The context of a request that came from elsewhere. It inherits nothing from the current context.

    If another tracing library has begun the request already, it continues from that library's span.

    Args:
        remote: The trace of the request; None begins a new one.
        fields: Fields of every record.
        level: The least level of records; None leaves it to their loggers.

    Returns:
        The context, not current anywhere yet.
    """
    foreign_context = foreign()
    if foreign_context is not None and foreign_context.trace_id is not None:
        return make(
            foreign_context.trace_id,
            _core.new_span_id(),
            fields,
            foreign_context.span_id,
            foreign_context.carried,
            level,
            foreign_context.sampling,
        )
    if remote is None:
        return make(_core.new_trace_id(), _core.new_span_id(), fields, level=level, is_random=True)
    return make(remote.trace_id, _core.new_span_id(), fields, remote.span_id, remote.carried, level)


class continue_trace(LoggingContext):  # noqa: N801 - used as a function is
    """Continues the trace that a message or a request has in its headers: `with`, `async with`, or a decorator.

    Inside is a child span of the sender's span, and nothing of the context outside. Without a trace a new one begins, and also with a
    malformed one, which is counted. This is the counterpart of `trace_headers`.

    Args:
        headers: A mapping, or pairs of name and value, as message queues have them. Case does not count in names. Values are
            texts or bytes; others are ignored.
        level: As for `LoggingContext`.
        **fields: Fields of every record inside.
    """

    __slots__ = ("_asked", "_remote")

    def __init__(
        self,
        headers: Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]] | None,
        /,
        *,
        level: str | int | None = None,
        **fields: object,
    ) -> None:
        super().__init__(level=level)
        self._fields = fields
        wanted = _wanted(headers)
        self._remote = extract(wanted)
        # Not the secret itself: the context may be pickled.
        self._asked = recording.asks(wanted)

    def __enter__(self) -> continue_trace:
        begun = begin(self._remote, self._fields, self._level)
        scope = Scope(begun, self)
        if self._asked:
            try:
                recording.write(begun, "asked")
            except BaseException:  # A signal handler may raise anything, and nobody would leave the scope.
                scope.leave()
                raise
        return self

    def _again(self) -> continue_trace:
        again = continue_trace(None, level=self._level, **self._fields)
        again._remote, again._asked = self._remote, self._asked
        return again


def _wanted(headers: Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]] | None) -> dict[str, str]:
    """The headers to read, by lower-case name. Anything that is not a header is ignored."""
    wanted = frozenset(_settings.wanted)
    found: dict[str, str] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else headers or ():
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        if isinstance(name, str) and isinstance(value, str) and (key := name.lower()) in wanted:
            found[key] = f"{found[key]},{value}" if key in found else value
    return found


def trace_headers() -> dict[str, str]:
    """The headers that send the current trace to another service: each configured format with its value.

    Returns:
        Values by name; empty if there is no trace. A trace id that is not one of W3C Trace Context goes into the header that
        holds only an id.
    """
    current = _core.current_context()
    if current is None or current.trace_id is None:
        return {}
    trace_id, span_id = current.trace_id, current.span_id
    flags, state = to_send(current)
    hexadecimal = are_hexadecimal(trace_id, span_id)
    headers: dict[str, str] = {}
    for name in _settings.headers:
        if name == "traceparent":
            if hexadecimal:
                headers[name] = f"00-{trace_id}-{span_id}-{flags:02x}"
                if state:
                    headers["tracestate"] = state
        elif name == "b3":
            if hexadecimal:
                headers[name] = f"{trace_id}-{span_id}-{flags & SAMPLED}"
        elif name == "x-request-id":
            named = current.fields.get("request_id")
            if isinstance(named, str) and is_id(named):
                headers[name] = named
        elif is_id(trace_id):
            headers[name] = trace_id
    alone = _settings.response_header
    if not headers and alone and is_id(trace_id):
        headers[alone.lower()] = trace_id
    if _settings.reads_state and headers and "traceparent" not in headers:
        # Without a flag the threshold alone tells what was decided, so it goes along with a trace that is not sampled, too.
        threshold = current.sampling[1] if current.sampling is not None and trace_id in headers.values() else None
        state = state if "b3" in headers else f"ot=th:{threshold}" if threshold is not None else ""
        if state:
            headers["tracestate"] = state
    return headers


def to_send(current: _core.Context) -> tuple[int, str]:
    """What other services are told of a trace besides its ids.

    Args:
        current: A context of the trace.

    Returns:
        Trace flags and `tracestate` of W3C Trace Context; the state is empty if there is none.
    """
    sent = current.sent
    if sent is not None:
        return sent
    carried = current.carried
    if not isinstance(carried, Carried):
        # The flag means that the spans are logged, and those of a trace that begins here are.
        return SAMPLED, ""
    return SAMPLED if carried.flags is None else carried.flags, carried.state


def _malformed() -> Remote | None:
    """Counts a header that is ignored."""
    _core.count("trace_headers_ignored")
    return None


def _from_traceparent(headers: Mapping[str, str]) -> Remote | None:
    value = headers.get("traceparent")
    if value is None:
        return None
    found = parse_traceparent(value)
    if found is None:
        return _malformed()
    state = headers.get("tracestate")
    if state is None:
        return Remote(found[0], found[1], WITHOUT_STATE[found[2]])
    parsed = parse_tracestate(state)
    if parsed is None:
        # Without its state the trace continues, as the specification requires.
        _malformed()
        parsed = ""
    return Remote(found[0], found[1], Carried(found[2], parsed))


def _from_b3(headers: Mapping[str, str]) -> Remote | None:
    single = headers.get("b3")
    if single is not None:
        if single.strip(" \t") in ("0", "1", "d"):
            return None  # Only a decision, no trace.
        return parse_b3(single) or _malformed()
    trace_id = headers.get("x-b3-traceid")
    if trace_id is None:
        return None
    given = headers.get("x-b3-sampled")
    sampled = True if headers.get("x-b3-flags") == "1" else None if given is None else given not in ("0", "false")
    return parse_b3_ids(trace_id, headers.get("x-b3-spanid"), sampled) or _malformed()
