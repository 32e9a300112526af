"""Processors see each record on the calling thread, as a small mapping, and may change or drop it."""

from __future__ import annotations

import logging
from types import MappingProxyType
from typing import Any

import pytest
import structlog
from kinds import Records, Run, Start

from unified_logger import ConfigurationError, LoggingContext, get_logger, get_stats, init_logging

OWN = ("timestamp", "module", "function", "line", "thread", "process")


def without_own(record: dict[str, Any]) -> dict[str, Any]:
    """What a record has beyond the keys that processors do not see."""
    return {name: value for name, value in record.items() if name not in OWN}


def test_a_processor_sees_message_fields_and_context(start: Start) -> None:
    """Level and logger by name, the message with its arguments, ids and fields of the context, fields of the logger and of the call."""
    seen: list[dict[str, Any]] = []
    start(processors=[lambda record: seen.append(dict(record))])
    with LoggingContext(trace_id="t-1", span_id="s-1", user="ada"):
        get_logger("shop").bind(component="cart").warning("%d items", 3, total=7.5)
    assert seen == [
        {
            "level": "WARNING",
            "logger": "shop",
            "message": "3 items",
            "trace_id": "t-1",
            "span_id": "s-1",
            "user": "ada",
            "component": "cart",
            "total": 7.5,
        }
    ]
    assert list(seen[0]) == ["level", "logger", "message", "trace_id", "span_id", "user", "component", "total"]


@pytest.mark.parametrize("native", [False, True])
def test_records_of_logging_come_to_processors_too(start: Start, records: Records, native: bool) -> None:
    """Whichever way they take."""
    seen: list[dict[str, Any]] = []

    def mark(record: dict[str, Any]) -> None:
        seen.append(dict(record))
        record["marked"] = True

    start(processors=[mark], native_stdlib=native)
    logging.getLogger("lib").warning("%s is slow", "disk", extra={"ms": 12})
    assert seen == [{"level": "WARNING", "logger": "lib", "message": "disk is slow", "ms": 12}]
    [record] = records()
    assert (record["message"], record["ms"], record["marked"]) == ("disk is slow", 12, True)


@pytest.mark.parametrize("listened", [False, True])
def test_all_of_a_record_may_be_changed(start: Start, records: Records, listened: bool) -> None:
    """Also with a handler of others, which gets the changed record."""

    def change(record: dict[str, Any]) -> None:
        record["level"] = "ERROR"
        record["message"] = record["message"].upper()
        record["added"] = [1, 2]
        del record["gone"], record["user"]
        record["trace_id"] = "other"

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record)

    heard: list[logging.LogRecord] = []
    start(processors=[change])
    if listened:
        get_logger("shop").logger.addHandler(Handler())
    with LoggingContext(trace_id="t-1", span_id="s-1", user="ada"):
        get_logger("shop").info("paid", gone=1, kept=2)
    [record] = records()
    assert without_own(record) == {
        "level": "ERROR",
        "logger": "shop",
        "message": "PAID",
        "trace_id": "other",
        "span_id": "s-1",
        "kept": 2,
        "added": [1, 2],
    }
    assert record["function"] == "test_all_of_a_record_may_be_changed"
    assert records("errors.log") == [record]
    if listened:
        assert [(each.getMessage(), each.levelname, hasattr(each, "user")) for each in heard] == [
            ("PAID", "ERROR", False)
        ]


def test_the_place_and_the_context_after_a_change_are_those_of_the_caller(start: Start, records: Records) -> None:
    """The next record has the context as before."""
    start(processors=[lambda record: record.pop("user", None) and None])
    with LoggingContext(user="ada"):
        get_logger("shop").info("one")
        assert get_logger("shop").get_trace_context()["user"] == "ada"
    assert "user" not in records()[0]


def test_false_drops_a_record(start: Start, records: Records) -> None:
    """For files and for handlers of others, and it counts as filtered."""
    heard: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = heard.append  # type: ignore[method-assign]
    start(processors=[lambda record: "health" not in record["message"]])
    before = get_stats()["filtered"]
    logger = get_logger("shop")
    logger.info("GET /health")
    logging.getLogger("lib").warning("health")
    logger.logger.addHandler(handler)
    logger.info("GET /health")
    logger.ai("health of a model", model="m")
    logger.info("GET /orders")
    assert [record["message"] for record in records()] == ["GET /orders"]
    assert [record.getMessage() for record in heard] == ["GET /orders"]
    assert get_stats()["filtered"] - before == 4


def test_the_way_in_which_processors_of_structlog_drop_a_record(start: Start, records: Records) -> None:
    """They may be brought along; the exception is none of `Exception`."""

    def drop(record: dict[str, Any]) -> None:
        if record["message"] == "healthy":
            raise structlog.DropEvent

    start(processors=[drop])
    get_logger("a").info("healthy")
    get_logger("a").info("paid")
    assert [record["message"] for record in records()] == ["paid"]
    assert get_stats()["processor_errors"] == 0


def test_several_processors_see_what_the_earlier_ones_left(start: Start, records: Records) -> None:
    """One may return another mapping, of any kind; None keeps the same one."""

    def first(record: dict[str, Any]) -> Any:
        return MappingProxyType({**record, "first": 1})

    def second(record: dict[str, Any]) -> Any:
        record["second"] = record["first"] + 1

    start(processors=[first, second])
    get_logger("shop").info("paid")
    [record] = records()
    assert (record["first"], record["second"]) == (1, 2)


def test_a_failing_processor_loses_nothing(start: Start, records: Records, capfd: pytest.CaptureFixture[str]) -> None:
    """The record is as the processor left it. The failure counts, and is told once on standard error."""

    def fail(record: dict[str, Any]) -> None:
        record["before"] = 1
        raise LookupError("no tenant")

    start(processors=[fail, lambda record: 7], console_format="off")
    before = get_stats()["processor_errors"]
    for _ in range(3):
        get_logger("shop").info("paid")
    assert [record["before"] for record in records()] == [1, 1, 1]
    assert get_stats()["processor_errors"] - before == 6
    told = capfd.readouterr().err.splitlines()
    assert [line for line in told if "no tenant" in line] == [
        "unified_logger: cannot call a processor: LookupError: no tenant"
    ]


@pytest.mark.parametrize(("key", "value"), [("level", "LOUD"), ("exception", "no exception")])
def test_a_value_that_cannot_be_used_leaves_what_was_there(
    start: Start, records: Records, key: str, value: object
) -> None:
    """And counts as a failure."""
    start(processors=[lambda record: record.update({key: value, "changed": True})])
    before = get_stats()["processor_errors"]
    try:
        raise KeyError("k")
    except KeyError:
        get_logger("shop").exception("failed")
    [record] = records()
    assert (record["level"], record["exception"]["type"], record["changed"]) == ("ERROR", "KeyError", True)
    assert get_stats()["processor_errors"] - before == 1


def test_a_field_that_is_called_like_a_key_of_the_record_is_told_apart(start: Start, records: Records) -> None:
    """As in the files."""
    seen: list[dict[str, Any]] = []
    start(processors=[lambda record: seen.append(dict(record)), lambda record: record.update(more=1)])
    get_logger("shop").info("paid", level="gold", exception=None, **{"not an identifier": 1})
    assert seen == [
        {
            "level": "INFO",
            "logger": "shop",
            "message": "paid",
            "fields.level": "gold",
            "fields.exception": None,
            "not an identifier": 1,
        }
    ]
    [record] = records()
    assert (record["level"], record["fields.level"], record["more"]) == ("INFO", "gold", 1)


def test_an_exception_can_be_looked_at_and_taken_away(start: Start, records: Records) -> None:
    """It is the exception itself."""

    def expect(record: dict[str, Any]) -> None:
        if isinstance(record.get("exception"), TimeoutError):
            record["reason"] = str(record.pop("exception"))

    start(processors=[expect])
    for error in (TimeoutError("bank"), ValueError("sum")):
        try:
            raise error
        except Exception:
            get_logger("shop").exception("failed")
            logging.getLogger("lib").exception("failed")
    first, of_logging, *others = records()
    assert [("exception" in record, record.get("reason")) for record in (first, of_logging)] == [(False, "bank")] * 2
    assert [record["exception"]["type"] for record in others] == ["ValueError"] * 2


def test_what_a_processor_logs_comes_to_no_processor(start: Start, records: Records) -> None:
    """Otherwise there would be no end."""

    def talk(record: dict[str, Any]) -> None:
        get_logger("inner").info("inside")
        logging.getLogger("inner").warning("inside of logging")

    start(processors=[talk])
    get_logger("shop").info("outside")
    assert sorted(record["message"] for record in records()) == ["inside", "inside of logging", "outside"]


def test_what_a_handler_of_others_logs_comes_to_processors(start: Start, records: Records) -> None:
    """Also while it is given a record of `get_logger`."""

    class Talking(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logging.getLogger("inner").warning("secret of a library")
            get_logger("inner").warning("secret of the program")

    start(processors=[lambda record: "secret" not in record["message"]])
    get_logger("shop").logger.addHandler(Talking())
    get_logger("shop").warning("paid")
    assert [record["message"] for record in records()] == ["paid"]


@pytest.mark.parametrize("listened", [False, True])
def test_a_record_may_get_another_logger(start: Start, records: Records, listened: bool) -> None:
    """With a handler of others, too."""
    start(processors=[lambda record: record.update(logger="other")])
    if listened:
        get_logger("shop").logger.addHandler(logging.NullHandler())
    get_logger("shop").info("paid")
    logging.getLogger("lib").warning("slow")
    assert [record["logger"] for record in records()] == ["other", "other"]


def test_records_of_other_interfaces_come_to_processors_once(start: Start, records: Records) -> None:
    """A record that is shown to handlers of others is not shown to processors again when it arrives."""
    calls: list[str] = []
    start(processors=[lambda record: calls.append(record["message"])])
    logger = get_logger("shop")
    logger.logger.addHandler(logging.NullHandler())
    logger.info("one")
    logging.getLogger("shop").info("two")
    assert len(records()) == 2
    assert calls == ["one", "two"]


def test_processors_may_be_named_in_a_file_and_in_the_environment(run_python: Run, tmp_path: Any) -> None:
    """As `module:name`."""
    (tmp_path / "mine.py").write_text("def tag(record): record['tagged'] = True\n", "utf-8")
    (tmp_path / "logging.yaml").write_text("log_dir: logs\nprocessors: ['mine:tag']\n", "utf-8")
    program = "get_logger('a').info('m'); flush_logging(10); print(open('logs/app.log').read())"
    start = "from unified_logger import *; init_logging_from_config('logging.yaml'); "
    assert '"tagged":true' in run_python(start + program).stdout
    start = "from unified_logger import *; init_logging(log_dir='logs2'); "
    program = program.replace("logs/", "logs2/")
    assert '"tagged":true' in run_python(start + program, UNIFIED_LOGGER_PROCESSORS="mine:tag").stdout


async def _later(record: dict[str, Any]) -> None:
    """A coroutine function."""


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        (["nowhere:f"], "cannot be imported"),
        (["os:path"], "this is no function"),
        (["os.path"], "a list of functions"),
        ([_later], "is a coroutine function"),
        (_later, "a list of functions"),
        ([3], "a list of functions"),
    ],
)
def test_what_is_no_processor_is_refused(log_dir: Any, wrong: Any, allowed: str) -> None:
    """At the start."""
    with pytest.raises(ConfigurationError, match=allowed):
        init_logging(log_dir=log_dir, processors=wrong)


def test_a_forked_child_has_the_processors_of_its_parent(run_python: Run) -> None:
    """And another start without any turns them off."""
    done = run_python(
        """
import os
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off", processors=[lambda record: record.update(marked=os.getpid())])
if os.fork() == 0:
    get_logger("a").info("child")
    flush_logging(10)
    os._exit(0)
os.wait()
init_logging(log_dir="logs", console_format="off")
get_logger("a").info("parent")
flush_logging(10)
print(open("logs/app.log").read())
"""
    )
    child, parent = done.stdout.strip().splitlines()
    assert '"marked":' in child
    assert '"marked":' not in parent
