"""A record that somebody else has sent may have any attributes, also those that this library uses: it is written all the same."""

from __future__ import annotations

import json
import logging
import pickle
from logging.handlers import SocketHandler
from typing import Any

import pytest
from kinds import Records, Start

from unified_logger import Handler, JSONFormatter, LoggingContext, UnifiedLogger, flush_logging, get_logger
from unified_logger.config.redaction import settle
from unified_logger.integrations import _servers
from unified_logger.stdlib import show_to_taps
from unified_logger.stdlib.formatters import TextFormatter
from unified_logger.testing import capture_logs

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
    """Also where what a `SocketHandler` sends becomes JSON: its fields have the names of the call, and its context is its own."""
    kept: list[logging.LogRecord] = []
    listener = logging.Handler()
    listener.emit = kept.append  # type: ignore[method-assign]
    logger.logger.addHandler(listener)
    try:
        with LoggingContext(trace_id="t", user="u"):
            logger.info("m", name="field")
    finally:
        logger.logger.removeHandler(listener)
    told = pickle.loads(SocketHandler("127.0.0.1", 1).makePickle(kept[0])[4:])
    sent = json.loads(json.dumps({**told, MARK: "elsewhere"}))
    logging.getLogger("remote").handle(logging.makeLogRecord(sent))
    keys = ("message", "trace_id", "user", "name")
    assert [[found.get(key) for key in keys] for found in records()] == [["m", "t", "u", "field"]] * 2


class Text(str):
    """A text whose methods are not those of texts."""

    def odd(self, *_: object) -> Any:
        raise ValueError("odd")

    __str__ = __format__ = __contains__ = split = startswith = rstrip = odd  # type: ignore[assignment]


class Number(int):
    """A number that neither compares nor converts."""

    def odd(self, *_: object) -> Any:
        raise ValueError("odd")

    __ge__ = __le__ = __lt__ = __gt__ = __index__ = __float__ = odd  # type: ignore[assignment]


class Mute(Exception):
    """Has no text."""

    __str__ = Odd.odd  # type: ignore[assignment]


MISSING = object()
ATTRIBUTES = (
    "name levelno levelname msg args exc_info exc_text stack_info created msecs relativeCreated process processName thread threadName "
    "taskName lineno funcName pathname filename module"
).split()
VALUES: list[object] = [
    None,
    True,
    0,
    35,
    10**30,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "ai.x",
    "\ud800",
    b"b",
    [1],
    (),
    (1,),
    ("a", "b", "c"),
    {"a": 1},
    Odd(),
    Text("llm.x"),
    Number(40),
    ValueError,
    ValueError("v"),
    Mute(),
    (None, None, None),
    (ValueError, Mute(), None),
    (ValueError, "text", None),
    MISSING,
]


def odd_records(attribute: str) -> list[logging.LogRecord]:
    """One for each value, with its number; one without the attribute."""
    made = [record(number=number) for number in range(len(VALUES))]
    for one, value in zip(made, VALUES, strict=True):
        if value is MISSING:
            one.__dict__.pop(attribute, None)
        else:
            one.__dict__[attribute] = value
    return made


def written(log_dir: Any, attribute: str, **options: Any) -> dict[str, list[dict[str, Any]]]:
    """What is in each file after all of them came to a handler of ours, the time aside."""
    from unified_logger import init_logging

    log_dir = log_dir / str(options["use_unified_logging"])
    init_logging(log_dir=str(log_dir), console_format="off", ai_loggers=["ai"], **options)
    for one in odd_records(attribute):
        Handler().handle(one)
    assert flush_logging(30)
    return {
        name: [
            {**json.loads(line), "timestamp": ""}
            for line in (log_dir / name).read_text().splitlines()
            if "number" in line
        ]
        for name in ("app.log", "errors.log", "ai_responses.log")
    }


@pytest.mark.parametrize("legacy_substring", [True, False])
@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_attributes_of_other_types_are_written_alike(log_dir: Any, attribute: str, legacy_substring: bool) -> None:
    """By the engine and by the fallback handlers, whatever a record holds where `logging` has a text, a number or a triple, and without any.

    Seen to fail (raised out of the call) with fallback handlers that take the name for a text and the level for a number.
    """
    by_engine, by_fallback = (
        written(log_dir, attribute, use_unified_logging=unified, legacy_substring=legacy_substring)
        for unified in (True, False)
    )
    assert by_fallback == by_engine
    if attribute != "levelno":
        assert [found["number"] for found in by_fallback["app.log"]] == list(range(len(VALUES)))


@pytest.mark.parametrize("rules", [False, True])
@pytest.mark.parametrize("formatter", [JSONFormatter, TextFormatter])
@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_attributes_of_other_types_are_formatted(attribute: str, formatter: Any, rules: bool) -> None:
    """By both formatters. Seen to fail for the one for people, with name, level, message, arguments, exception, stack and times."""
    made = formatter(redaction=settle([("", True)], None) if rules else None)
    for one in odd_records(attribute):
        assert "m" in made.format(one) or attribute == "msg"


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_attributes_of_other_types_are_captured(attribute: str) -> None:
    """By `capture_logs`, which sees them in the call. Seen to fail for an empty `exc_info`."""
    with capture_logs() as captured:
        for one in odd_records(attribute):
            show_to_taps(one)
    assert len(captured) == len(VALUES)


@pytest.mark.parametrize("attribute", ["name", "msg", "args", "exc_info"])
def test_filters_of_servers_take_attributes_of_other_types(attribute: str) -> None:
    """They are on loggers that others may use. Seen to fail for a message without a text and for an `exc_info` that is no triple."""
    for one in odd_records(attribute):
        _servers._is_access_wanted(one)
        _servers._is_error_wanted(one)
