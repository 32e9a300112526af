"""Headers that carry traces."""

from __future__ import annotations

from ..kinds import HEADER, HEADERS
from ..options import Section, option


class Traces(Section):
    """Headers that carry traces."""

    trace_headers: tuple[str, ...] = option(
        HEADERS,
        ("traceparent",),
        "Headers that carry a trace, in order of preference: traceparent, b3, x-request-id, or any that holds a trace id.",
    )
    trace_response_header: str = option(
        HEADER, "X-Trace-ID", "Header in which a response names its trace; none sends none."
    )
