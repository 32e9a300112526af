"""`isEnabledFor` decides, also where its answer is another than the one `logging` has in its cache."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from kinds import Records

from unified_logger import UnifiedLogger, get_logger

QUIET: list[bool] = []


class Moody(logging.Logger):
    """Lets through what the moment lets through."""

    def isEnabledFor(self, level: int) -> bool:
        return super().isEnabledFor(level) and not QUIET


def make_stale(logger: UnifiedLogger) -> None:
    """Lets the next call ask again, while the cache of `logging` stays full."""
    vars(logger.logger)["of nobody"] = object()


@pytest.fixture
def moody(logger: UnifiedLogger) -> Iterator[UnifiedLogger]:
    """A logger of that class."""
    before = logging.getLoggerClass()
    logging.setLoggerClass(Moody)
    yield get_logger("app.moody")
    logging.setLoggerClass(before)
    QUIET.clear()
    del logging.Logger.manager.loggerDict["app.moody"]


def test_a_class_that_says_no_for_a_while(moody: UnifiedLogger, records: Records) -> None:
    """It is believed for that while.

    Seen to fail with an answer that is remembered because the cache is full.
    """
    moody.info("before")
    QUIET.append(True)
    make_stale(moody)
    moody.info("quiet")
    QUIET.clear()
    moody.info("after")
    assert [record["message"] for record in records()] == ["before", "after"]


class Echo(logging.Handler):
    """Logs with a logger of ours inside a handler of `logging`."""

    def __init__(self, target: UnifiedLogger) -> None:
        super().__init__()
        self.target = target

    def emit(self, record: logging.LogRecord) -> None:
        make_stale(self.target)
        self.target.info("inside")


def test_a_handler_of_logging_that_logs_loses_nothing_after_it(logger: UnifiedLogger, records: Records) -> None:
    """Some releases of 3.13 say no to everything while a thread is inside a handler; what comes later is logged.

    Seen to fail with CPython 3.13.5 and an answer that is remembered because the cache is full.
    """
    logger.info("before")
    other, echo = logging.getLogger("other"), Echo(logger)
    other.addHandler(echo)
    try:
        other.warning("through logging")
    finally:
        other.removeHandler(echo)
    logger.info("after")
    messages = [record["message"] for record in records() if record["message"] != "inside"]
    assert messages == ["before", "through logging", "after"]
