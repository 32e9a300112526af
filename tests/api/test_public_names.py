"""Public names: those of the guide, callable in any order, and harmless whatever they are given."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import pytest
from kinds import Records, Run

import unified_logger
from unified_logger import UnifiedLogger, shutdown_logging

PROMISED = {
    "LoggingContext",
    "UnifiedLogger",
    "UnifiedLoggerFactory",
    "flush_logging",
    "get_logger",
    "get_stats",
    "init_logging",
    "init_logging_from_config",
    "load_config",
    "shutdown_logging",
}


def test_every_promised_name_is_public() -> None:
    """And listed."""
    assert set(unified_logger.__all__) >= PROMISED
    assert all(hasattr(unified_logger, name) for name in unified_logger.__all__)


def test_the_version_is_that_of_the_installed_package(run_python: Run) -> None:
    """Looked up when it is asked for, and not by an import of the package. Seen to fail with no such name."""
    assert unified_logger.__version__ == version("unified_logger")
    assert "__version__" in dir(unified_logger)
    run_python("import sys, unified_logger\nassert 'importlib.metadata' not in sys.modules")


def test_no_public_name_is_also_a_modules() -> None:
    """The import of the module, by whoever needs another name of it, would put itself in the name's place."""
    assert [name for name in unified_logger.__all__ if find_spec(f"unified_logger.{name}") is not None] == []


def test_names_that_are_imported_later_can_be_asked_for_in_any_order(run_python: Run) -> None:
    """Each is the function or class itself."""
    run_python(
        "import unified_logger\n"
        "for name in reversed(unified_logger.__all__):\n"
        "    assert callable(getattr(unified_logger, name)), name\n"
    )


def test_the_guides_parameters_come_first_and_in_its_order() -> None:
    """So that positional calls keep their meaning."""
    parameters = list(inspect.signature(unified_logger.init_logging).parameters)
    assert parameters[:10] == [
        "log_level",
        "log_dir",
        "queue_size",
        "max_bytes",
        "backup_count",
        "console_level",
        "file_level",
        "enable_ai_handler",
        "ai_max_bytes",
        "ai_backup_count",
    ]


def test_nothing_needs_a_start_first(run_python: Run) -> None:
    """Flush, statistics and shutdown answer before `init_logging` too, and with nothing to write say so."""
    done = run_python(
        """
from unified_logger import flush_logging, get_stats, shutdown_logging
stats = get_stats()
print(stats["accepted"], stats["written"], flush_logging(1), shutdown_logging(1), shutdown_logging(1))
"""
    )
    assert done.stdout.split() == ["0", "0", "True", "True", "True"]


def test_logging_starts_again_after_shutdown(start: Callable[..., Any], records: Records) -> None:
    """As often as wanted, in the same files."""
    for number in range(3):
        start()
        unified_logger.get_logger("app").info("m", number=number)
        assert shutdown_logging() is True
    assert [record["number"] for record in records()] == [0, 1, 2]


def test_a_logging_call_returns_nothing(logger: UnifiedLogger) -> None:
    """Written or not."""
    assert logger.info("m") is None
    assert logger.debug("below") is None
    assert logger.ai("m") is None


@pytest.mark.parametrize(
    "options",
    [
        {"stacklevel": 10**9},
        {"stacklevel": 10**30},
        {"stacklevel": 0},
        {"stacklevel": -5},
        {"stacklevel": "two"},
        {"exc_info": object()},
        {"exc_info": (1, 2, 3)},
        {"exc_info": ()},
        {"exc_info": (None, None, None)},
        {"exc_info": ValueError},
        {"stack_info": "yes"},
        {"extra": [1]},
        {"extra": {1: "number", None: "none"}},
    ],
    ids=repr,
)
def test_a_wrong_parameter_never_raises(logger: UnifiedLogger, records: Records, options: dict[str, Any]) -> None:
    """The record is written with what can be made of it."""
    logger.info("still written", **options)
    assert [record["message"] for record in records()] == ["still written"]
