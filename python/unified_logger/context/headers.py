"""The configured headers that carry a trace, for `propagation`, which most programs do not import."""

from __future__ import annotations

import sys

from . import recording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..config import Settings

# The headers that are read and written, the one of responses, whether a `tracestate` counts beside every header, and further headers that are
# read of requests.
configured: tuple[tuple[str, ...], str, bool, tuple[str, ...]] = (("traceparent",), "X-Trace-ID", False, ())


def start(settings: Settings) -> None:
    """Sets which headers are read and written from now on."""
    global configured
    # Set before the check: a thread that is importing the module at this moment finds it, or its function exists already.
    request_headers = () if settings.recorded is None or settings.recorder_secret is None else (recording.HEADER,)
    configured = (
        settings.trace_headers,
        settings.trace_response_header,
        settings.sampled_traces is not None,
        request_headers,
    )
    configure = getattr(_propagation(), "configure", None)
    if configure is not None:
        configure(*configured)


def stop() -> None:
    """Nothing: requests that outlive the exit hooks have traces too."""


def in_child() -> None:
    """Nothing: the headers are configured in the child as well."""


def _propagation() -> Any:
    """The module, if the program has imported it: most do not."""
    return sys.modules.get(f"{__package__}.propagation")
