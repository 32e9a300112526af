"""A record that somebody else has sent may have any attributes, also those that this library uses: it is written all the same."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from unified_logger import JSONFormatter, LoggingContext, UnifiedLogger, get_logger

Records = Callable[..., list[dict[str, Any]]]
Start = Callable[..., Any]

MARK, FIELDS, AI = "_unified_logger_captured", "_unified_logger_fields", "_unified_logger_ai"


class Odd:
    """Neither compares, nor is it true or a text."""

    def odd(self, *_: object) -> Any:
        raise ValueError("odd")

    __eq__ = __bool__ = __str__ = __len__ = __iter__ = odd
    __hash__ = object.__hash__


MARKS: list[object] = [
    None,
    True,
    False,
    1,
    0,
    1.5,
    "",
    "x",
    "host:/logs",
    [],
    [1],
    {},
    {"a": None},
    {"a": 5},
    {5: 6},
    Odd(),
]
CARRIED: list[object] = [
    None,
    True,
    5,
    "ab",
    [],
    [1, 2],
    [{}, {}],
    [{}, {5: 6}],
    [{5: 6}, {}],
    [{"a": 5}, {}],
    [{"a": []}, {"b": {}}],
    [{}, {"trace_id": 5, "span_id": []}],
    ({}, {"trace_id": Odd()}),
    ({}, {"b": Odd()}),
    ({Odd(): "a"}, {}),
    [{}, {}, {}],
    Odd(),
    {"a": 1, "b": 2},
]


def record(**attributes: object) -> logging.LogRecord:
    """What a server makes of what it got."""
    return logging.makeLogRecord(
        {"name": "remote", "levelno": 30, "levelname": "WARNING", "msg": "m", "a": 1, **attributes}
    )


@pytest.mark.parametrize("unified", [True, False])
@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: type(mark).__name__)
def test_it_is_written_once(start: Start, records: Records, mark: object, unified: bool) -> None:
    """Whatever it carries. Seen to raise, and to be dropped unsaid."""
    start(use_unified_logging=unified, console_format="off")
    target = logging.getLogger("remote")
    for carried in CARRIED:
        target.handle(record(**{MARK: mark, FIELDS: carried, AI: carried if not isinstance(carried, Odd) else 0}))
    found = records()
    assert [found["message"] for found in found] == ["m"] * len(CARRIED)
    get_logger("app").info("later")
    assert records()[-1].get("trace_id") is None


@pytest.mark.parametrize("mark", [None, True, "x", {"a": 5}])
def test_it_can_be_formatted(mark: object) -> None:
    """By the formatter for handlers of others, in a context and outside."""
    formatter = JSONFormatter()
    for carried in CARRIED:
        for context in ({}, {"b": Odd()}):
            with LoggingContext(**context):
                line = json.loads(formatter.format(record(**{MARK: mark, FIELDS: carried})))
            assert (line["message"], line["level"]) == ("m", "WARNING")


def test_one_of_ours_is_known_wherever_it_went(logger: UnifiedLogger, records: Records) -> None:
    """Also by way of JSON: its fields have the names of the call, and its context is its own."""
    kept: list[logging.LogRecord] = []
    listener = logging.Handler()
    listener.emit = kept.append  # type: ignore[method-assign]
    logger.logger.addHandler(listener)
    try:
        with LoggingContext(trace_id="t", user="u"):
            logger.info("m", name="field")
    finally:
        logger.logger.removeHandler(listener)
    sent = json.loads(json.dumps({**kept[0].__dict__, MARK: "elsewhere"}))
    logging.getLogger("remote").handle(logging.makeLogRecord(sent))
    keys = ("message", "trace_id", "user", "name")
    assert [[found.get(key) for key in keys] for found in records()] == [["m", "t", "u", "field"]] * 2
