"""Headers that carry traces."""

from __future__ import annotations

from ..kinds import ANYTHING, BOOLEAN, HEADER, HEADERS
from ..options import Section, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..mappings import Layout
    from ..options import Given


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

    @classmethod
    def blocks(cls) -> Layout:
        """That of the older file."""
        return {"tracing": {"enabled": BOOLEAN, "header_name": HEADER, "generate_span_id": BOOLEAN, "*": ANYTHING}}

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """The origin's block, where no option says otherwise: one header, read beside the standard one and sent back."""
        block = given.block("tracing")
        if block.get("generate_span_id") is False:
            given.say("tracing.generate_span_id has no effect: every context has a span")
        return {name: value for name, value in _from_origin(block).items() if not given.has(name)}


def _from_origin(block: Mapping[str, Any]) -> dict[str, Any]:
    if block.get("enabled") is False:
        return {"trace_headers": (), "trace_response_header": ""}
    name = block.get("header_name")
    if name is None:
        return {}
    response = HEADER.parse(name)
    return {
        "trace_headers": ("traceparent", response.lower()) if response else ("traceparent",),
        "trace_response_header": response,
    }
