"""How traces are written in headers, and read strictly. This module knows nothing of contexts.

Formats: W3C Trace Context (https://www.w3.org/TR/trace-context/), B3 (https://github.com/openzipkin/b3-propagation), and
headers that hold nothing but an id.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# Bounds of what a client may send. An id is visible ASCII, because it is sent in headers again. A comma would join two of them.
_ID = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,128}")
# By the specification, later versions begin like this one and continue after a hyphen.
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_MOST_MEMBERS = 32
# Length that is sent on to others. The specification asks for at least 512, and says which members are left out first.
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
B3_HEADERS = ("b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags")
_HEX_32 = re.compile(r"(?!0{32})[0-9a-f]{32}")
_HEX_16 = re.compile(r"(?!0{16})[0-9a-f]{16}")

SAMPLED = 0x01
# Sampled, and random ids: the flags that the specification defines. Others are not sent on.
_KNOWN_FLAGS = 0x03


class Carried(NamedTuple):
    """What a context sends to other services in addition to its ids.

    Args:
        flags: Trace flags of W3C Trace Context; None if the sender has said nothing about them.
        state: Its `tracestate`; empty if there is none.
    """

    flags: int | None
    state: str = ""


# By their flags: most traces have no state.
WITHOUT_STATE = tuple(Carried(flags) for flags in range(_KNOWN_FLAGS + 1))


class Remote(NamedTuple):
    """The trace of an incoming request.

    Args:
        trace_id: 32 hexadecimal digits, or any visible text if the header holds only an id.
        span_id: The caller's span, or None.
        carried: What is sent on with it; None if there was nothing but ids.
    """

    trace_id: str
    span_id: str | None = None
    carried: Carried | None = None


def is_id(text: str) -> bool:
    """Whether a text may be an id in a header: visible ASCII of a bounded length."""
    return _ID.fullmatch(text) is not None


def parse_traceparent(value: str) -> tuple[str, str, int] | None:
    """Reads a `traceparent` (W3C Trace Context, 3.2), strictly.

    Args:
        value: The header's value; space around it does not count.

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
        The same without empty members and optional space, or None if it is malformed. If it is longer than 4,096 characters, long
        members are left out, then the last ones.
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


def parse_b3(value: str) -> Remote | None:
    """Reads a single `b3` header that names a trace.

    Args:
        value: The header's value; space around it does not count.

    Returns:
        The trace, or None if it is malformed.
    """
    found = _B3.fullmatch(value.strip(" \t"))
    return None if found is None else _of_b3(found[1], found[2], None if found[3] is None else found[3] != "0")


def parse_b3_ids(trace_id: str, span_id: str | None, sampled: bool | None) -> Remote | None:
    """Reads the ids of B3's several headers.

    Args:
        trace_id: 16 or 32 hexadecimal digits.
        span_id: 16 hexadecimal digits, or None if it is missing.
        sampled: The decision of the other headers; None if they leave it to the receiver.

    Returns:
        The trace, or None if an id is malformed.
    """
    if not _B3_IDS.fullmatch(trace_id) or (span_id is not None and not _HEX_16.fullmatch(span_id)):
        return None
    return _of_b3(trace_id, span_id, sampled)


def _of_b3(trace_id: str, span_id: str | None, sampled: bool | None) -> Remote:
    return Remote(trace_id.rjust(32, "0"), span_id, None if sampled is None else Carried(SAMPLED if sampled else 0))


def are_hexadecimal(trace_id: str, span_id: str | None) -> bool:
    """Whether ids are those of W3C Trace Context: 32 and 16 hexadecimal digits, neither all zero."""
    return span_id is not None and bool(_HEX_32.fullmatch(trace_id) and _HEX_16.fullmatch(span_id))
