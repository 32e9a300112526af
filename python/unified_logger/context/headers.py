"""The headers that carry a trace, as they are configured, for `propagation`, which most programs do not import."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Those that are read and written, and the one of responses.
configured: tuple[tuple[str, ...], str] = (("traceparent",), "X-Trace-ID")


def configure(headers: tuple[str, ...], response_header: str) -> None:
    """Sets which headers are read and written from now on.

    Args:
        headers: Names, in order of preference.
        response_header: The header in which a response names its trace; empty for none.
    """
    global configured
    # Set before the look: a thread that is importing the module now finds it, or its function is there already.
    configured = (headers, response_header)
    change = getattr(_propagation(), "configure", None)
    if change is not None:
        change(*configured)


def ignored() -> int:
    """How many trace headers were not as they must be, and therefore ignored."""
    propagation = _propagation()
    return 0 if propagation is None else int(propagation.ignored())


def forget_ignored() -> None:
    """Counts anew: in a forked child."""
    propagation = _propagation()
    if propagation is not None:
        propagation.forget_ignored()


def _propagation() -> Any:
    """The module, where the program has it: most do not."""
    return sys.modules.get(f"{__package__}.propagation")
