"""Packages whose functions wrap those of `logging`: no record is made for one that needs none, and a wrapper that is not known sees all."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

import pytest

from unified_logger import UnifiedLogger, get_stats
from unified_logger.stdlib import secrets, wrappers

BEGIN = """
import logging
from unified_logger import get_logger, get_stats, init_logging
from unified_logger.stdlib import listeners

made = []
make = listeners.make_record
listeners.make_record = lambda *args: (made.append(args[2]), make(*args))[1]
"""
OPENTELEMETRY = """
from opentelemetry.instrumentation.logging import LoggingInstrumentor

instrumentor = LoggingInstrumentor()
options = {"enable_log_auto_instrumentation": False}
instrumentor.instrument(**options)
init_logging(log_dir="logs", console_format="off")
log = get_logger("shop")
log.info("one")
instrumentor.uninstrument()
instrumentor.instrument(inject_trace_context=True, **options)
log.info("two")
instrumentor.uninstrument()
log.info("three")
instrumentor.instrument(log_hook=lambda span, record: None, **options)
log.info("four")
assert made == ["two", "four"], made
"""
NEW_RELIC = """
from newrelic.core.config import global_settings
from newrelic.hooks.logger_logging import instrument_logging

settings = global_settings().application_logging
instrument_logging(logging)
init_logging(log_dir="logs", console_format="off")
log = get_logger("shop")
log.info("one")
settings.enabled = False
log.info("two")
assert get_stats()["native_stdlib"] == "on"
settings.enabled = True
settings.metrics.enabled = settings.forwarding.enabled = settings.local_decorating.enabled = False
log.info("three")
settings.forwarding.enabled = True
log.info("four")
assert get_stats()["native_stdlib"] == "off: newrelic.hooks.logger_logging has replaced Logger.callHandlers"
assert made == ["one", "four"], made
"""
DATADOG = """
from ddtrace import config, patch

patch(logging=True)
init_logging(log_dir="logs", console_format="off")
log = get_logger("shop")
log.info("one")
config._logs_injection = False
log.info("two")
config._logs_injection = True
log.info("three")
assert made == ["one", "three"], made
"""


@pytest.mark.parametrize(
    ("package", "program"),
    [
        ("opentelemetry.instrumentation.logging", OPENTELEMETRY),
        ("newrelic", NEW_RELIC),
        ("ddtrace", DATADOG),
    ],
)
def test_records_are_made_while_they_are_needed(run_python: Callable[..., Any], package: str, program: str) -> None:
    """As the package's own settings say, which may change."""
    pytest.importorskip(package)
    run_python(BEGIN + program)


def test_a_wrapper_that_is_not_known_sees_every_record(logger: UnifiedLogger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one around a known one, and one inside."""
    seen: list[str] = []

    def wrap(self: logging.Logger, record: logging.LogRecord, inner: Any = logging.Logger.callHandlers) -> None:
        seen.append(record.getMessage())
        inner(self, record)

    logger.info("one")
    monkeypatch.setattr(logging.Logger, "callHandlers", wrap)
    logger.info("two")
    logging.getLogger("theirs").info("three")
    monkeypatch.undo()
    logger.info("four")
    assert seen == ["two", "three"]


def test_an_object_that_shows_the_attributes_of_a_function_is_none(
    logger: UnifiedLogger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of `wrapt` do, down to its globals. It sees every record."""
    seen: list[object] = []
    original = logging.Logger.callHandlers

    class Proxy:
        def __getattr__(self, name: str) -> Any:
            return getattr(original, name)

        def __get__(self, logger: Any, _: object) -> Any:
            return self if logger is None else functools.partial(self, logger)

        def __call__(self, *args: Any) -> None:
            seen.append(args[1].msg)
            original(*args)

    monkeypatch.setattr(logging.Logger, "callHandlers", Proxy())
    logger.info("one")
    assert seen == ["one"]
    assert get_stats()["native_stdlib"] == f"off: {__name__}.{Proxy.__qualname__} has replaced Logger.callHandlers"


def test_a_wrapper_that_raises_is_not_known(logger: UnifiedLogger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its package may have another form than the one that is known."""
    monkeypatch.setitem(wrappers.WRAPPERS, ("callHandlers", __name__), "missing")
    seen: list[str] = []
    original = logging.Logger.callHandlers

    def wrap(self: logging.Logger, record: logging.LogRecord) -> None:
        seen.append(record.getMessage())
        original(self, record)

    monkeypatch.setattr(logging.Logger, "callHandlers", wrap)
    logger.info("one")
    assert seen == ["one"]
    assert secrets.redaction is None
