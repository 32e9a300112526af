"""Traces across processes: read from the headers of a request, written to those of an outgoing call.

Formats: W3C Trace Context (https://www.w3.org/TR/trace-context/), B3 (https://github.com/openzipkin/b3-propagation), and
headers that hold nothing but an id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from . import _core, context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Names of headers are compared in lower case.
DEFAULT_HEADERS = ("traceparent",)
DEFAULT_RESPONSE_HEADER = "X-Trace-ID"

# Bounds of what a client may have us carry. An id is visible ASCII: it goes into headers again. A comma joins two of them.
_ID = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,128}")
# The specification has later versions begin like this one, and go on after a hyphen.
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_MOST_MEMBERS = 32
# What goes on to others; the specification asks for 512 at least, and says which members go first.
_LONGEST_STATE = 4_096
_LONG_MEMBER = 128
# 32 members of two times 256 characters, and some space around them.
_LONGEST_HEADER = 20_000
_STATE_KEY = r"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
_STATE_MEMBER = re.compile(
    rf"[ \t]*({_STATE_KEY})=([\x20-\x2b\x2d-\x3c\x3e-\x7e]{{0,255}}[\x21-\x2b\x2d-\x3c\x3e-\x7e])[ \t]*"
)
_B3 = re.compile(r"(?!0+-)([0-9a-f]{16}|[0-9a-f]{32})-(?!0{16})([0-9a-f]{16})(?:-([01d]))?(?:-[0-9a-f]{16})?")
_B3_IDS = re.compile(r"(?!0+$)(?:[0-9a-f]{16}|[0-9a-f]{32})")
_B3_HEADERS = ("b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags")
_HEX_32 = re.compile(r"(?!0{32})[0-9a-f]{32}")
_HEX_16 = re.compile(r"(?!0{16})[0-9a-f]{16}")

SAMPLED = 0x01
# Sampled, and ids made at random: the flags that the specification defines. Others are not passed on.
_KNOWN_FLAGS = 0x03


class Carried(NamedTuple):
    """What a context carries to other services beside its ids.

    Args:
        flags: Trace flags of W3C Trace Context.
        state: Its `tracestate`; empty when there is none.
    """

    flags: int
    state: str = ""


# By their flags: most traces carry no state.
_WITHOUT_STATE = tuple(Carried(flags) for flags in range(_KNOWN_FLAGS + 1))


class Remote(NamedTuple):
    """The trace that a request came with.

    Args:
        trace_id: 32 hexadecimal digits; any visible text where it came in a header that holds only an id.
        span_id: The caller's span, or None.
        carried: What goes on with it.
    """

    trace_id: str
    span_id: str | None = None
    carried: Carried = Carried(SAMPLED)


class Settings(NamedTuple):
    """Which headers are read and written.

    Args:
        headers: Names in lower case, in order of preference. `traceparent` and `b3` have their formats, `x-request-id` names
            the request and, where no other has one, the trace; any other holds a trace id.
        response_header: The header in which a response names its trace; empty for none.
    """

    headers: tuple[str, ...] = DEFAULT_HEADERS
    response_header: str = DEFAULT_RESPONSE_HEADER

    @property
    def wanted(self) -> tuple[str, ...]:
        """The names of all headers that `extract` looks at."""
        names: list[str] = []
        for name in self.headers:
            names += {"traceparent": ("traceparent", "tracestate"), "b3": _B3_HEADERS}.get(name, (name,))
        return tuple(names)


_settings = Settings()
# Headers that were there and not as they must be: by their names.
_ignored = 0


def configure(headers: tuple[str, ...], response_header: str) -> None:
    """Sets which headers are read and written from now on.

    Args:
        headers: As `Settings.headers`, in any case.
        response_header: As `Settings.response_header`.
    """
    global _settings
    _settings = Settings(tuple(name.lower() for name in headers), response_header)


def settings() -> Settings:
    """What is configured."""
    return _settings


def ignored() -> int:
    """How many trace headers were not as they must be, and therefore ignored."""
    return _ignored


def extract(headers: Mapping[str, str]) -> Remote | None:
    """The trace that headers name: by the first of the configured ones that is there and well-formed.

    A malformed one is ignored and counted. A name that came more than once has its values joined with commas, as HTTP has it.

    Args:
        headers: Values by name in lower case; others than those of `Settings.wanted` are not looked at.

    Returns:
        The trace, or None where a new one begins.
    """
    if not headers:
        return None
    for name in _settings.headers:
        if name == "traceparent":
            found = _from_traceparent(headers)
        elif name == "b3":
            found = _from_b3(headers)
        else:
            found = from_id(headers.get(name))
        if found is not None:
            return found
    return None


def request_id(headers: Mapping[str, str]) -> str | None:
    """The id of the request itself, if `x-request-id` is among the configured headers and well-formed.

    Args:
        headers: Values by name in lower case.
    """
    if "x-request-id" not in _settings.headers:
        return None
    value = headers.get("x-request-id", "").strip(" \t")
    return value if _ID.fullmatch(value) else None


def from_id(value: str | None) -> Remote | None:
    """The trace that is named by its id alone; a malformed one is ignored and counted.

    Args:
        value: What a header holds; None where it is not there.
    """
    if value is None:
        return None
    value = value.strip(" \t")
    return Remote(value) if _ID.fullmatch(value) else _malformed()


def is_id(text: str) -> bool:
    """Whether a text may stand in a header as an id: visible ASCII of a bounded length."""
    return _ID.fullmatch(text) is not None


def parse_traceparent(value: str) -> tuple[str, str, int] | None:
    """Reads a `traceparent` (W3C Trace Context, 3.2), strictly.

    Args:
        value: The header's value; space around it is no part of it.

    Returns:
        Trace id, parent's span id and flags, or None if it is malformed.
    """
    found = _TRACEPARENT.fullmatch(value.strip(" \t"))
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "00" and more is not None:
        return None
    return trace_id, span_id, int(flags, 16) & _KNOWN_FLAGS


def parse_tracestate(value: str) -> str | None:
    """Reads a `tracestate` (W3C Trace Context, 3.3), strictly.

    Args:
        value: The header's value; several headers are joined with commas.

    Returns:
        The same without empty members and optional space, or None if it is malformed. Of one longer than 4,096 characters
        long members are left out, then the last ones.
    """
    if len(value) > _LONGEST_HEADER:
        return None
    members: dict[str, str] = {}
    for part in value.split(","):
        if not part.strip(" \t"):
            continue
        found = _STATE_MEMBER.fullmatch(part)
        if found is None or found[1] in members or len(members) == _MOST_MEMBERS:
            return None
        members[found[1]] = found[2]
    kept = [f"{key}={member}" for key, member in members.items()]
    if _length(kept) > _LONGEST_STATE:
        kept = [member for member in kept if len(member) <= _LONG_MEMBER]
        while _length(kept) > _LONGEST_STATE:
            kept.pop()
    return ",".join(kept)


def _length(members: list[str]) -> int:
    return sum(map(len, members)) + len(members) - 1


def begin(remote: Remote | None, fields: dict[str, object], level: int | None = None) -> _core.Context:
    """The context of a request that came from elsewhere. It has nothing of what is current here.

    Where another tracing library has begun the request already, it goes on from that one's span.

    Args:
        remote: The trace it came with; None begins a new one.
        fields: Fields of every record.
        level: The least level of records; None leaves it to their loggers.

    Returns:
        The context, current nowhere yet.
    """
    theirs = context.foreign()
    if theirs is not None and theirs.trace_id is not None:
        return context.make(theirs.trace_id, _core.new_span_id(), fields, theirs.span_id, theirs.carried, level)
    if remote is None:
        return context.make(_core.new_trace_id(), _core.new_span_id(), fields, level=level)
    return context.make(remote.trace_id, _core.new_span_id(), fields, remote.span_id, remote.carried, level)


class continue_trace(context.LoggingContext):  # noqa: N801 - used as a function is
    """Goes on with the trace that a message or a request brought in its headers: `with`, `async with`, or a decorator.

    Inside is a child span of the sender's, with nothing of what is current outside. Without a trace, or with a malformed one, which is
    counted, a new trace begins. It is the other side of `trace_headers`.

    Args:
        headers: A mapping, or pairs of name and value, as message queues have them. Names are compared without regard to case; values are
            texts or bytes; others are passed over.
        level: As that of `LoggingContext`.
        **fields: Fields of every record inside.
    """

    __slots__ = ("_remote",)

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
        self._remote = extract(_wanted(headers))

    def __enter__(self) -> continue_trace:
        context.Scope(begin(self._remote, self._fields, self._level), self)
        return self

    def _again(self) -> continue_trace:
        again = continue_trace(None, level=self._level, **self._fields)
        again._remote = self._remote
        return again


def _wanted(headers: Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]] | None) -> dict[str, str]:
    """The headers that are looked at, by lower-case name; what is no header is passed over."""
    wanted = frozenset(_settings.wanted)
    found: dict[str, str] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else headers or ():
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        if isinstance(name, str) and isinstance(value, str) and (key := name.lower()) in wanted:
            found[key] = f"{found[key]},{value}" if key in found else value
    return found


def trace_headers() -> dict[str, str]:
    """The headers that carry the current trace to another service: for each configured format, what it has.

    Returns:
        Values by name; empty when there is no trace. A trace id that is not one of W3C Trace Context goes into
        the header that holds only an id.
    """
    current = _core.current_context()
    if current is None or current.trace_id is None:
        return {}
    trace_id, span_id, carried = current.trace_id, current.span_id, current.carried
    if not isinstance(carried, Carried):
        # Spans of a trace that begins here are logged here, which is what the flag says.
        carried = Carried(SAMPLED)
    hexadecimal = span_id is not None and _HEX_32.fullmatch(trace_id) and _HEX_16.fullmatch(span_id)
    headers: dict[str, str] = {}
    for name in _settings.headers:
        if name == "traceparent":
            if hexadecimal:
                headers[name] = f"00-{trace_id}-{span_id}-{carried.flags:02x}"
                if carried.state:
                    headers["tracestate"] = carried.state
        elif name == "b3":
            if hexadecimal:
                headers[name] = f"{trace_id}-{span_id}-{carried.flags & SAMPLED}"
        elif name == "x-request-id":
            named = current.fields.get("request_id")
            if isinstance(named, str) and _ID.fullmatch(named):
                headers[name] = named
        elif _ID.fullmatch(trace_id):
            headers[name] = trace_id
    alone = _settings.response_header
    if not headers and alone and _ID.fullmatch(trace_id):
        headers[alone.lower()] = trace_id
    return headers


def _malformed() -> Remote | None:
    """Counts a header that is ignored."""
    global _ignored
    _ignored += 1
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
        return Remote(found[0], found[1], _WITHOUT_STATE[found[2]])
    parsed = parse_tracestate(state)
    if parsed is None:
        # Without its state the trace goes on, as the specification has it.
        _malformed()
        parsed = ""
    return Remote(found[0], found[1], Carried(found[2], parsed))


def _from_b3(headers: Mapping[str, str]) -> Remote | None:
    single = headers.get("b3")
    if single is not None:
        single = single.strip(" \t")
        if single in ("0", "1", "d"):
            return None  # Only a decision, no trace.
        found = _B3.fullmatch(single)
        if found is None:
            return _malformed()
        return Remote(found[1].rjust(32, "0"), found[2], Carried(0 if found[3] == "0" else SAMPLED))
    trace_id, span_id = headers.get("x-b3-traceid"), headers.get("x-b3-spanid")
    if trace_id is None:
        return None
    if not _B3_IDS.fullmatch(trace_id) or (span_id is not None and not _HEX_16.fullmatch(span_id)):
        return _malformed()
    sampled = headers.get("x-b3-sampled", "1") not in ("0", "false") or headers.get("x-b3-flags") == "1"
    return Remote(trace_id.rjust(32, "0"), span_id, Carried(SAMPLED if sampled else 0))
