"""A handler of others costs a call nothing unless its level takes the record, and is given every record that it takes."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from kinds import Records

from unified_logger import UnifiedLogger, get_logger
from unified_logger.stdlib import listeners


class Collector(logging.Handler):
    """Keeps the messages that it is given."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


class Counting(Collector):
    """Stores an attribute with each record."""

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        self.last = record


class Moody(Collector):
    """Has a level that it works out."""

    wanted = logging.ERROR

    @property  # type: ignore[override]
    def level(self) -> int:
        return self.wanted

    @level.setter
    def level(self, value: int) -> None:
        pass


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Messages of the records that were made for others."""
    seen: list[object] = []
    make = listeners.make_record

    def noting(target: logging.Logger, level: int, message: object, *args: Any) -> logging.LogRecord:
        seen.append(message)
        return make(target, level, message, *args)

    monkeypatch.setattr(listeners, "make_record", noting)
    return seen


def log_all(logger: Any) -> None:
    for name in ("debug", "info", "warning", "error", "critical"):
        getattr(logger, name)(name)


@pytest.mark.parametrize("kind", [Collector, Counting])
def test_only_calls_that_a_handler_takes_make_a_log_record(
    logger: UnifiedLogger, root: logging.Logger, made: list[object], records: Records, kind: type[Collector]
) -> None:
    """The files have every record."""
    handler = kind(logging.ERROR)
    root.addHandler(handler)
    log_all(logger)
    log_all(logger)
    assert made == handler.messages == ["error", "critical"] * 2
    assert [record["message"] for record in records()] == ["info", "warning", "error", "critical"] * 2


@pytest.mark.parametrize("kind", [Collector, Counting])
def test_a_changed_level_counts_from_the_next_call_on(
    logger: UnifiedLogger, root: logging.Logger, made: list[object], kind: type[Collector]
) -> None:
    """However it is changed."""
    handler = kind(logging.ERROR)
    root.addHandler(handler)
    logger.warning("one")
    handler.setLevel("WARNING")
    logger.warning("two")
    handler.level = logging.CRITICAL
    logger.error("three")
    handler.__dict__["level"] = logging.INFO
    logger.info("four")
    assert made == handler.messages == ["two", "four"]


def test_a_level_between_the_standard_ones(logger: UnifiedLogger, root: logging.Logger, made: list[object]) -> None:
    """A call at a standard level is compared exactly, and one between two may make a record in vain."""
    handler = Collector(35)
    root.addHandler(handler)
    for level in (30, 34, 35, 39, 40):
        logger.log(level, level)
    assert handler.messages == ["35", "39", "40"]
    assert 30 not in made


def test_a_level_above_all_takes_nothing(logger: UnifiedLogger, root: logging.Logger, made: list[object]) -> None:
    """Even one that is no number of a machine."""
    root.addHandler(Collector(10**30))
    log_all(logger)
    assert made == []


def test_a_handler_that_works_out_its_level_is_asked(logger: UnifiedLogger, root: logging.Logger) -> None:
    """Each time, by `logging`."""
    handler = Moody()
    root.addHandler(handler)
    logger.info("no")
    handler.wanted = logging.INFO
    logger.info("yes")
    assert handler.messages == ["yes"]


def test_a_handler_in_the_place_of_another(logger: UnifiedLogger, root: logging.Logger) -> None:
    """The list stays the same and has as many."""
    first, second = Collector(logging.ERROR), Collector(logging.INFO)
    root.addHandler(first)
    logger.info("one")
    root.handlers[root.handlers.index(first)] = second
    logger.info("two")
    assert (first.messages, second.messages) == ([], ["two"])


def test_a_level_that_a_class_gets_later(logger: UnifiedLogger, root: logging.Logger) -> None:
    """It hides that of the handler."""
    kind = type("Later", (Collector,), {})
    handler = kind(logging.ERROR)
    root.addHandler(handler)
    logger.info("one")
    kind.level = property(lambda self: logging.INFO)  # type: ignore[attr-defined]
    logger.info("two")
    assert handler.messages == ["two"]


def test_loggers_of_logging_do_the_same(logger: UnifiedLogger, root: logging.Logger, records: Records) -> None:
    """Their native methods step aside only at the levels that are taken."""
    handler = Collector(logging.ERROR)
    root.addHandler(handler)
    log_all(logging.getLogger("theirs"))
    assert handler.messages == ["error", "critical"]
    assert [record["message"] for record in records()] == ["info", "warning", "error", "critical"]


def test_a_record_that_a_filter_of_the_logger_refuses_is_counted(logger: UnifiedLogger, records: Records) -> None:
    """As one that a level refuses; also one of a logger of `logging`."""
    from unified_logger import get_stats

    before = get_stats()["filtered"]
    filtered = get_logger("filtered")
    filtered.logger.addFilter(lambda record: False)
    try:
        filtered.info("refused by a filter")
        logging.getLogger("theirs").debug("refused by a level")
    finally:
        filtered.logger.filters.clear()
    assert get_stats()["filtered"] - before == 2
    assert records() == []
