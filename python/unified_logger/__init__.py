"""Structured logging with a native core.

One call to start, structured JSON in rotating files, a trace on every record::

    from unified_logger import get_logger, init_logging

    init_logging(log_dir="logs")
    get_logger("shop.orders").info("order received", order_id=7)

For pytest: PYTEST_DONT_REWRITE
"""

# There are no assertions here for pytest to rewrite. Its word for that, in the docstring, where alone it is looked for, keeps it from warning
# of programs that import this package first.

import sys

TYPE_CHECKING = False


def _is_command() -> bool:
    """Whether this process is the command `unified-logger`, which starts quickly and needs little of what programs need."""
    if getattr(sys, "argv", None) and sys.argv[0] == "-m":
        # While the package is imported to find what is to be run, this stands in the place of a file.
        return any(name in sys.orig_argv for name in ("unified_logger", "unified_logger.cli"))
    program = sys.argv[0] if getattr(sys, "argv", None) else ""
    return program.replace("\\", "/").rpartition("/")[2].removesuffix(".exe") == "unified-logger"


_COMMAND = _is_command()

if TYPE_CHECKING or not _COMMAND:
    from .api import (
        flush_logging,
        get_logger,
        get_stats,
        init_logging,
        install_asyncio_handler,
        mark_wrapper,
        register_value,
        rotate_logging,
        shutdown_logging,
    )
    from .context import LoggingContext
    from .errors import ConfigurationError, UnifiedLoggerError
    from .factory import UnifiedLoggerFactory
    from .logger import UnifiedLogger
    from .stdlib import Handler

if TYPE_CHECKING:
    from .api import (
        add_sink,
        get_levels,
        init_logging_from_config,
        load_config,
        metrics_url,
        reload_logging,
        set_level,
    )
    from .context.carrying import carry, carry_into_threads
    from .context.propagation import continue_trace, trace_headers
    from .context.recording import keep_trace
    from .custom_levels import add_level
    from .spans import span, traced
    from .stdlib.formatters import JSONFormatter
    from .values.deferred import lazy

    __version__: str

__all__ = [
    "ConfigurationError",
    "Handler",
    "JSONFormatter",
    "LoggingContext",
    "UnifiedLogger",
    "UnifiedLoggerError",
    "UnifiedLoggerFactory",
    "add_level",
    "add_sink",
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
    "keep_trace",
    "lazy",
    "load_config",
    "mark_wrapper",
    "metrics_url",
    "register_value",
    "reload_logging",
    "rotate_logging",
    "set_level",
    "shutdown_logging",
    "span",
    "trace_headers",
    "traced",
]

# Names that not every program uses, by the modules that have them. A module is imported completely at the first use of a name. So other
# programs do not pay for it, and nothing is left to import later, when that may be impossible.
_LATER = {
    "JSONFormatter": ("stdlib.formatters",),
    "add_level": ("custom_levels",),
    "add_sink": ("api", "process.sinks"),
    "carry": ("context.carrying",),
    "carry_into_threads": ("context.carrying",),
    "continue_trace": ("context.propagation",),
    "get_levels": ("api", "process.level_changes"),
    "init_logging_from_config": ("api", "process.reload"),
    "keep_trace": ("context.recording",),
    "lazy": ("values.deferred",),
    "load_config": ("api", "config.file"),
    "metrics_url": ("api", "process.endpoint"),
    "reload_logging": ("api", "process.reload"),
    "set_level": ("api", "process.level_changes"),
    "span": ("spans",),
    "trace_headers": ("context.propagation",),
    "traced": ("spans",),
}

if _COMMAND:
    # It imports these, too, when it comes to use them.
    _LATER |= dict.fromkeys(
        (
            "flush_logging",
            "get_logger",
            "get_stats",
            "init_logging",
            "install_asyncio_handler",
            "mark_wrapper",
            "register_value",
            "rotate_logging",
            "shutdown_logging",
        ),
        ("api",),
    )
    _LATER |= {
        "ConfigurationError": ("errors",),
        "Handler": ("stdlib",),
        "LoggingContext": ("context",),
        "UnifiedLogger": ("logger",),
        "UnifiedLoggerError": ("errors",),
        "UnifiedLoggerFactory": ("factory",),
    }

# Not for type checkers, which would take any name for one of these.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from importlib.metadata import version

            found = globals()[name] = version(__name__)
            return found
        modules = _LATER.get(name)
        if modules is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        first, *_ = (import_module(f"{__name__}.{module}") for module in modules)
        found = globals()[name] = getattr(first, name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, "__version__"})
