"""Mistakes that a strict type checker finds: each `ignore` names the error expected, and an unused one is an error."""

import unified_logger
from unified_logger import (
    Handler,
    LoggingContext,
    carry,
    flush_logging,
    get_logger,
    init_logging,
    shutdown_logging,
    span,
    traced,
)

init_logging(queue_size="many")  # type: ignore[arg-type]
init_logging(log_level=None)  # type: ignore[arg-type]
get_logger(7)  # type: ignore[arg-type]
LoggingContext(trace_id=7)  # type: ignore[arg-type]
flush_logging(timeout="soon")  # type: ignore[arg-type]
shutdown_logging(None)  # type: ignore[arg-type]
get_logger("shop").ai("answered", model=7)  # type: ignore[call-overload]
get_logger("shop").ai()  # type: ignore[call-overload]
get_logger("shop").ai(model="small-1", order_id=7)  # type: ignore[call-overload]
get_logger("shop").ai(msg=7)  # type: ignore[call-overload]
get_logger("shop").log()  # type: ignore[call-overload]
get_logger("shop").log(level=None, msg="no level")  # type: ignore[call-overload]
get_logger("shop").info("two", exc_info=(ValueError, None))  # type: ignore[arg-type]
get_logger("shop").inform("no such method")  # type: ignore[attr-defined]
span(7)  # type: ignore[arg-type]
span("charge", level=None)  # type: ignore[arg-type]
carry(7)  # type: ignore[type-var]


@traced
def charge(cents: int) -> str:
    """A traced function keeps its types."""
    return str(cents)


charge("7")  # type: ignore[arg-type]
carry(charge)("7")  # type: ignore[arg-type]


@LoggingContext()
def total(prices: list[int]) -> int:
    """A decorated function keeps its types."""
    return sum(prices)


total("7")  # type: ignore[arg-type]
unified_logger.no_such_name  # type: ignore[attr-defined]
Handler(level=None)  # type: ignore[arg-type]
