"""`JSONFormatter` gives any handler of `logging` the lines that our own files have."""

from __future__ import annotations

import io
import json
import logging
import queue
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from unified_logger import JSONFormatter, LoggingContext, flush_logging, get_logger


class Shown:
    """Has a text, and a longer one for those who look closer."""

    def __str__(self) -> str:
        return "shown"

    def __repr__(self) -> str:
        return "<Shown>"


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.fixture
def lines(log_dir: Path, start: Callable[..., Any]) -> Callable[[], tuple[list[str], list[str]]]:
    """`lines()`: those of our file and those of a stream handler on the root logger, in a process started for it."""
    start(log_level="DEBUG", console_format="off")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONFormatter())
    logging.getLogger().addHandler(handler)

    def lines() -> tuple[list[str], list[str]]:
        assert flush_logging(30.0)
        return (log_dir / "app.log").read_text("utf-8").splitlines(), stream.getvalue().splitlines()

    return lines


def handling(call: Callable[..., Any], *args: Any, **options: Any) -> None:
    try:
        try:
            {}["k"]
        except KeyError as error:
            error.__notes__ = ["a note"]  # type: ignore[attr-defined]
            raise ValueError("v\n") from error
    except ValueError:
        call(*args, **options)


THEIRS: dict[str, Callable[[logging.Logger], Any]] = {
    "text": lambda log: log.info("m"),
    "levels": lambda log: [log.debug("d"), log.warning("w"), log.error("e"), log.critical("c"), log.log(35, "l")],
    "arguments": lambda log: log.info("m %s %d %r", "x", 3, [1]),
    "mapping": lambda log: log.info("m %(a)s", {"a": 1}),
    "mapping that is no dictionary": lambda log: log.info("m %(a)s", MappingProxyType({"a": 1})),
    "wrong argument": lambda log: log.info("m %d", "many", extra={"a": 1}),
    "too few arguments": lambda log: log.info("m %s %s", 1),
    "percent": lambda log: log.info("100%"),
    "object": lambda log: log.info(Shown()),
    "object without a text": lambda log: log.info(Unprintable()),
    "argument without a text": lambda log: log.info("m %s", Unprintable()),
    "none": lambda log: log.info(None),
    "unicode": lambda log: log.info("Straße 東京 🚀 \x00\x1b[31m\u2028\x7f"),
    "surrogate": lambda log: log.info("a\udc80b", extra={"s": "\ud800"}),
    "extra": lambda log: log.info("m", extra={"a": 1, "b": "zwei", "c": [1, {"d": None}], "e": 1.5, "f": Shown()}),
    "extra of odd values": lambda log: log.info("m", extra={"n": float("nan"), "u": Unprintable(), "p": Path("/x")}),
    "extra with reserved keys": lambda log: log.info("m", extra={"level": 1, "trace_id": "t"}),
    "extra without texts": lambda log: log.info("m", extra={1: 2, None: 3}),  # type: ignore[dict-item]
    "exception": lambda log: handling(log.exception, "m %s", 1, extra={"a": 1}),
    "exc_info is an exception": lambda log: log.warning("m", exc_info=OSError(2, "x")),
    "exc_info without one": lambda log: log.warning("m", exc_info=True),
    "stack": lambda log: log.warning("m", stack_info=True),
    "adapter": lambda log: logging.LoggerAdapter(log, {"tenant": 3}).warning("m %d", 1),
}
OURS: dict[str, Callable[[Any], Any]] = {
    "text": lambda log: log.info("m %s", 1, order_id=7),
    "fields with names of a LogRecord": lambda log: log.info("m", name="n", args=1, module="m", msg="x", lineno=3),
    "fields with names of the record": lambda log: log.info("m", level=1, trace_id="t"),
    "names of the context": lambda log: log.info("m", user="other", tenant=1),
    "exception": lambda log: handling(log.exception, "m", order_id=7),
    "stack": lambda log: log.info("m", stack_info=True),
    "ai": lambda log: log.ai("answered", model="x", latency_ms=1.5),
}


@pytest.mark.parametrize("name", THEIRS)
def test_a_record_of_logging_is_the_line_of_the_file(name: str, lines: Callable[..., Any]) -> None:
    """Byte for byte, outside a context and within one."""
    log = logging.getLogger("theirs")
    THEIRS[name](log)
    with LoggingContext(trace_id="t", span_id="s", user="u", a="context", line=1):
        THEIRS[name](log)
    on_disk, formatted = lines()
    assert len(on_disk) >= 2
    assert formatted == on_disk


@pytest.mark.parametrize("name", OURS)
def test_a_record_of_ours_is_the_line_of_the_file(name: str, lines: Callable[..., Any]) -> None:
    """Byte for byte but for the time, which is taken once more for a `LogRecord`."""
    log = get_logger("app")
    OURS[name](log)
    with LoggingContext(trace_id="t", span_id="s", user="u", line=1):
        OURS[name](log)
    on_disk, formatted = ([line[44:] for line in found] for found in lines())
    assert len(on_disk) == 2
    assert formatted == on_disk


def test_a_record_of_ours_keeps_its_context_in_another_thread(logger: Any, log_dir: Path) -> None:
    """A `QueueListener` formats where the request's context is not."""
    from logging.handlers import QueueHandler, QueueListener

    stream, waiting = io.StringIO(), queue.SimpleQueue[Any]()
    target = logging.StreamHandler(stream)
    target.setFormatter(JSONFormatter())
    handler = QueueHandler(waiting)
    logger.logger.addHandler(handler)
    listener = QueueListener(waiting, target)
    listener.start()
    with LoggingContext(trace_id="t", span_id="s", user="u"):
        logger.info("m", order_id=7)
    listener.stop()
    (line,) = stream.getvalue().splitlines()
    assert line.endswith('"trace_id":"t","span_id":"s","user":"u","order_id":7}')


@pytest.mark.parametrize("given", [True, (None, None, None), (ValueError,), 1, ValueError("v")], ids=repr)
def test_any_form_of_exc_info_is_taken(given: Any) -> None:
    """A record made by hand may have what `logging` would have made a triple of."""
    record = json.loads(JSONFormatter().format(logging.makeLogRecord({"msg": "m", "exc_info": given})))
    assert ("exception" in record) is isinstance(given, ValueError)


def test_an_exception_that_is_only_a_text_is_kept() -> None:
    """A socket or another process brings no exception but what was printed of it, as our files have it."""
    record = logging.makeLogRecord({"msg": "m", "exc_text": "Traceback ...", "order": 1})
    found = json.loads(JSONFormatter().format(record))
    assert list(found)[-2:] == ["order", "exc_text"]


def test_the_record_is_left_as_it_is() -> None:
    """Whoever formats it next finds what was there."""
    record = logging.makeLogRecord({"msg": "m %s", "args": (1,), "order": 1})
    before = dict(vars(record))
    JSONFormatter("%(message)s", "%H", "%", validate=False).format(record)
    assert vars(record) == before


def test_no_key_appears_twice() -> None:
    """A field that must move aside takes nobody's place."""
    record = logging.makeLogRecord({"msg": "m %d", "args": ("x",), "level": 1, "fields.level": 2, "$args": 3})
    with LoggingContext(trace_id="t", span_id="s", line=4):
        line = JSONFormatter().format(record)
    fields = json.loads(line, object_pairs_hook=lambda pairs: pairs)[11:]
    assert len({key for key, _ in fields}) == len(fields) == 6
    assert [value for _, value in fields if isinstance(value, int)] == [4, 1, 2, 3]


def test_what_a_record_factory_adds_is_a_field(run_python: Callable[..., Any]) -> None:
    """Also when it was set before the formatter was imported."""
    code = """
import logging
before = logging.getLogRecordFactory()

def make(*args, **options):
    record = before(*args, **options)
    record.host = "web-1"
    return record

logging.setLogRecordFactory(make)
from unified_logger import JSONFormatter
print(JSONFormatter().format(logging.makeLogRecord({"msg": "m"})))
"""
    assert json.loads(run_python(code).stdout)["host"] == "web-1"


def test_the_formatter_brings_nothing_with_it(run_python: Callable[..., Any]) -> None:
    """It comes with the package, for handlers that are made late; `json` and `datetime` do not, which few programs need for logging."""
    code = """
import sys, unified_logger
assert not {"json", "datetime"} & sys.modules.keys()
assert unified_logger.JSONFormatter is sys.modules["unified_logger.stdlib.formatters"].JSONFormatter
from unified_logger import *
assert JSONFormatter is unified_logger.JSONFormatter
try:
    unified_logger.JSONFormater
except AttributeError as error:
    print(error)
"""
    assert run_python(code).stdout == "module 'unified_logger' has no attribute 'JSONFormater'\n"
