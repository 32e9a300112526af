"""Structured logging with a native core.

One call to start, structured JSON in rotating files, a trace on every record::

    from unified_logger import get_logger, init_logging

    init_logging(log_dir="logs")
    get_logger("shop.orders").info("order received", order_id=7)
"""

from .api import (
    flush_logging,
    get_logger,
    get_stats,
    init_logging,
    init_logging_from_config,
    install_asyncio_handler,
    load_config,
    mark_wrapper,
    register_value,
    shutdown_logging,
)
from .context import LoggingContext
from .errors import ConfigurationError, UnifiedLoggerError
from .factory import UnifiedLoggerFactory
from .logger import UnifiedLogger

__all__ = [
    "ConfigurationError",
    "LoggingContext",
    "UnifiedLogger",
    "UnifiedLoggerError",
    "UnifiedLoggerFactory",
    "flush_logging",
    "get_logger",
    "get_stats",
    "init_logging",
    "init_logging_from_config",
    "install_asyncio_handler",
    "load_config",
    "mark_wrapper",
    "register_value",
    "shutdown_logging",
]
