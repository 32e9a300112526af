"""Structured logging with a native core.

One call to start, structured JSON in rotating files, a trace on every record::

    from unified_logger import get_logger, init_logging

    init_logging(log_dir="logs")
    get_logger("shop.orders").info("order received", order_id=7)

There are no assertions here for pytest to rewrite, so that it need not warn where a program imports this first: PYTEST_DONT_REWRITE.
"""

from .api import (
    flush_logging,
    get_levels,
    get_logger,
    get_stats,
    init_logging,
    init_logging_from_config,
    install_asyncio_handler,
    load_config,
    mark_wrapper,
    register_value,
    reload_logging,
    set_level,
    shutdown_logging,
)
from .context import LoggingContext
from .errors import ConfigurationError, UnifiedLoggerError
from .factory import UnifiedLoggerFactory
from .logger import UnifiedLogger
from .stdlib import Handler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .carrying import carry, carry_into_threads
    from .formatters import JSONFormatter
    from .propagation import continue_trace, trace_headers
    from .spans import span, traced

__all__ = [
    "ConfigurationError",
    "Handler",
    "JSONFormatter",
    "LoggingContext",
    "UnifiedLogger",
    "UnifiedLoggerError",
    "UnifiedLoggerFactory",
    "carry",
    "carry_into_threads",
    "continue_trace",
    "flush_logging",
    "get_levels",
    "get_logger",
    "get_stats",
    "init_logging",
    "init_logging_from_config",
    "install_asyncio_handler",
    "load_config",
    "mark_wrapper",
    "register_value",
    "reload_logging",
    "set_level",
    "shutdown_logging",
    "span",
    "trace_headers",
    "traced",
]

# Names that not every program uses, and their modules: imported at their first use, so that the others do not pay for them.
_LATER = {
    "JSONFormatter": "formatters",
    "carry": "carrying",
    "carry_into_threads": "carrying",
    "continue_trace": "propagation",
    "span": "spans",
    "trace_headers": "propagation",
    "traced": "spans",
}

# Not for type checkers, which would take any name for one of these.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        module = _LATER.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
