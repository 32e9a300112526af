"""The headers that carry a trace, as they are configured, for `propagation`, which most programs do not import."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..config import Settings

# Those that are read and written, and the one of responses.
configured: tuple[tuple[str, ...], str] = (("traceparent",), "X-Trace-ID")


def start(settings: Settings) -> None:
    """Sets which headers are read and written from now on."""
    global configured
    # Set before the look: a thread that is importing the module now finds it, or its function is there already.
    configured = (settings.trace_headers, settings.trace_response_header)
    configure = getattr(_propagation(), "configure", None)
    if configure is not None:
        configure(*configured)


def stop() -> None:
    """Nothing: requests that outlive the exit hooks have traces too."""


def in_child() -> None:
    """Nothing: what is configured holds in the child as well."""


def _propagation() -> Any:
    """The module, where the program has it: most do not."""
    return sys.modules.get(f"{__package__}.propagation")
