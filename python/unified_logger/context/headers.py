"""The headers that carry a trace, as they are configured, for `propagation`, which most programs do not import."""

from __future__ import annotations

# Those that are read and written, and the one of responses.
configured: tuple[tuple[str, ...], str] = (("traceparent",), "X-Trace-ID")
