"""Mistakes that a strict type checker finds: each `ignore` names the error expected, and an unused one is an error."""

import unified_logger
from unified_logger import (
    Handler,
    LoggingContext,
    add_level,
    carry,
    flush_logging,
    get_logger,
    get_stats,
    init_logging,
    init_logging_from_config,
    lazy,
    set_level,
    shutdown_logging,
    span,
    traced,
)

init_logging(queue_size="many")  # type: ignore[arg-type]
init_logging(log_level=None)  # type: ignore[arg-type]
init_logging(max_byte=1)  # type: ignore[call-arg]
init_logging(overflow="dropnew")  # type: ignore[arg-type]
init_logging(levels=["a"])  # type: ignore[arg-type]
init_logging(levels={"app": None})  # type: ignore[dict-item]
init_logging(max_bytes=1.5)  # type: ignore[arg-type]
init_logging(overflow_timeout=None)  # type: ignore[arg-type]
init_logging(ai_loggers="app.ai")  # type: ignore[arg-type]
init_logging(outputs=["audit"])  # type: ignore[arg-type]
init_logging(outputs={"audit": {"fiel": "audit.log"}})  # type: ignore[dict-item]
init_logging(outputs={"audit": {"file": "audit.log", "format": 7}})  # type: ignore[dict-item]
init_logging(redaction={"pattern": ["email"]})  # type: ignore[arg-type]
init_logging(redaction={"patterns": ["emial"]})  # type: ignore[arg-type]
init_logging(processors=[7])  # type: ignore[list-item]
init_logging("INFO", "logs", overflow=1)  # type: ignore[arg-type]
init_logging_from_config("logging.yaml", overflow="dropnew")  # type: ignore[arg-type]
init_logging_from_config("logging.yaml", max_byte=1)  # type: ignore[call-arg]
unified_logger.UnifiedLoggerFactory().initialize(max_byte=1)  # type: ignore[call-arg]
unified_logger.UnifiedLoggerFactory().initialize(overflow="dropnew")  # type: ignore[arg-type]
Handler(max_byte=1)  # type: ignore[call-arg]
Handler(overflow="dropnew")  # type: ignore[arg-type]
set_level("shop", 1.5)  # type: ignore[arg-type]
get_stats()["writen"]  # type: ignore[typeddict-item]
get_stats()["files"]["app"]["writen"]  # type: ignore[typeddict-item]
get_stats()["dropped_by_reason"]["shutdwon"]  # type: ignore[typeddict-item]
get_stats()["sinks"]["shown"]["writen"]  # type: ignore[typeddict-item]
get_stats()["accepted"].lower()  # type: ignore[attr-defined]
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
get_logger("shop", style="$")  # type: ignore[arg-type]
get_logger("shop").catch(7)  # type: ignore[call-overload]
get_logger("shop").catch(level=None)  # type: ignore[call-overload]
get_logger("shop").catch(exclude=[ValueError])  # type: ignore[call-overload]
add_level(25, "AUDIT")  # type: ignore[arg-type]
lazy(7)  # type: ignore[arg-type]
lazy(len, 7)  # type: ignore[arg-type]
span(7)  # type: ignore[arg-type]
span("charge", level=None)  # type: ignore[arg-type]
carry(7)  # type: ignore[type-var]


@traced
def charge(cents: int) -> str:
    """A traced function keeps its types."""
    return str(cents)


charge("7")  # type: ignore[arg-type]
carry(charge)("7")  # type: ignore[arg-type]


@get_logger("shop").catch
def risky(cents: int) -> str:
    """A function whose exceptions are caught keeps its types."""
    return str(cents)


risky("7")  # type: ignore[arg-type]


@LoggingContext()
def total(prices: list[int]) -> int:
    """A decorated function keeps its types."""
    return sum(prices)


total("7")  # type: ignore[arg-type]
unified_logger.no_such_name  # type: ignore[attr-defined]
Handler(level=None)  # type: ignore[arg-type]
