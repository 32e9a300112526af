"""`msg=` is the message where none was given by position, as with `logging`; else it is a field."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from kinds import Records

from unified_logger import UnifiedLogger, get_logger, shutdown_logging


@pytest.fixture(params=["true", "false"], ids=["native", "plain"])
def logger(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, start: Callable[..., Any]) -> UnifiedLogger:
    """A logger of both kinds of handlers."""
    monkeypatch.setenv("USE_UNIFIED_LOGGING", request.param)
    start(log_level="DEBUG")
    return get_logger("app")


@pytest.mark.parametrize("name", ["debug", "info", "warning", "error", "critical", "exception", "ai"])
@pytest.mark.parametrize("bound", [False, True], ids=["free", "bound"])
def test_of_each_method(name: str, bound: bool, logger: UnifiedLogger, records: Records) -> None:
    log: Any = getattr(logger.bind(user=7) if bound else logger, name)
    for _ in range(3):
        log(msg="by name", order=1)
        log("by position", msg="a field")
        log("", msg="a field")
    shutdown_logging()
    fields = {"user": 7} if bound else {}
    assert [
        {key: record[key] for key in ("message", "order", "msg", "user") if key in record} for record in records()
    ] == [
        {"message": "by name", "order": 1, **fields},
        {"message": "by position", "msg": "a field", **fields},
        {"message": "", "msg": "a field", **fields},
    ] * 3


@pytest.mark.parametrize("bound", [False, True], ids=["free", "bound"])
def test_of_log_by_position_and_by_name(bound: bool, logger: UnifiedLogger, records: Records) -> None:
    log: Any = (logger.bind(user=7) if bound else logger).log
    log(logging.WARNING, msg="one")
    log(level=logging.WARNING, msg="two", order=1)
    log(order=1, msg="three", level="warning", exc_info=KeyError("k"))
    log(level=35, msg="four")
    log(level="no level", msg="five")
    with pytest.raises(TypeError, match="needs a level"):
        log(msg="six")
    shutdown_logging()
    seen = records()
    assert [record["message"] for record in seen] == ["one", "two", "three", "four", "five"]
    assert [record["level"] for record in seen] == ["WARNING"] * 3 + ["Level 35", "WARNING"]
    assert [record.get("order") for record in seen] == [None, 1, 1, None, None]
    assert seen[2]["exception"]["type"] == "KeyError"


def test_of_any_type(logger: UnifiedLogger, records: Records) -> None:
    class Broken:
        def __str__(self) -> str:
            raise ValueError("no text")

    any_logger: Any = logger
    any_logger.info(msg=5)
    any_logger.info(msg=None)
    any_logger.info(msg=Broken())
    any_logger.ai(msg=Broken())
    any_logger.info()
    shutdown_logging()
    messages = [record["message"] for record in records()]
    assert messages[:2] == ["5", "None"]
    assert all("failed: ValueError" in message for message in messages[2:4])
    assert messages[4] == ""


def test_handlers_of_others_get_it_as_the_message(logger: UnifiedLogger) -> None:
    seen: list[logging.LogRecord] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    logging.getLogger("app").addHandler(Collector())
    any_logger: Any = logger
    any_logger.info(msg="by name", order=1)
    assert seen[0].getMessage() == "by name"
    assert vars(seen[0])["order"] == 1


def test_ai_needs_a_message(logger: UnifiedLogger) -> None:
    with pytest.raises(TypeError, match="needs a message"):
        logger.ai(model="m")
