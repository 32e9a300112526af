"""What programs do with `logging` is honoured, whether its loggers are native or not."""

from __future__ import annotations

import functools
import logging
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from kinds import Records, Run

from unified_logger import LoggingContext, get_logger, init_logging


@pytest.fixture(params=[False, True], ids=["root handler", "native"], autouse=True)
def _started(request: pytest.FixtureRequest, log_dir: Any) -> Iterator[None]:
    """`init_logging` was called, and what the test changes in `logging` is taken back."""
    names, numbers = logging._levelToName.copy(), logging._nameToLevel.copy()
    factory, kind = logging.getLogRecordFactory(), logging.getLoggerClass()
    init_logging(log_dir=str(log_dir), console_format="off", native_stdlib=request.param)
    yield
    logging.setLogRecordFactory(factory)
    logging.Logger.manager.loggerClass = None
    logging.setLoggerClass(kind)
    for kept, before in ((logging._levelToName, names), (logging._nameToLevel, numbers)):
        kept.clear()  # type: ignore[attr-defined]
        kept.update(before)  # type: ignore[attr-defined]


def messages(records: Records) -> list[str]:
    """The messages in app.log."""
    return [record["message"] for record in records()]


def test_extra_becomes_fields(records: Records) -> None:
    """Beside the context's, which it beats; names of the record's own move aside."""
    with LoggingContext(trace_id="t", user="u"):
        logging.getLogger("theirs").info("m", extra={"order_id": 7, "user": "other", "level": "odd"})
    (record,) = records()
    assert list(record)[9:] == ["trace_id", "span_id", "order_id", "user", "fields.level"]
    assert (record["order_id"], record["user"], record["fields.level"]) == (7, "other", "odd")


def test_stacklevel_names_a_caller_further_up(records: Records) -> None:
    """For loggers and adapters, and the functions of the module."""
    adapter = logging.LoggerAdapter(logging.getLogger("theirs"), {})

    def helper() -> None:
        logging.getLogger("theirs").info("logger", stacklevel=2)
        adapter.info("adapter", stacklevel=2)
        logging.info("module", stacklevel=2)

    def caller() -> None:
        helper()

    caller()
    found = {record["message"]: record["function"] for record in records()}
    # Before 3.11 `logging` counts its own frames too, of which an adapter adds some.
    adapted = "caller" if sys.version_info >= (3, 11) else "helper"
    assert (found["logger"], found["adapter"]) == ("caller", adapted)
    assert len(records()) == 3


def test_an_adapter_adds_its_fields(records: Records) -> None:
    """Around a logger or another adapter; its own `process` may do more."""

    class Prefixed(logging.LoggerAdapter):  # type: ignore[type-arg] # takes none before 3.11
        def process(self, msg: Any, kwargs: Any) -> Any:
            message, options = super().process(f"[{self.extra['tenant']}] {msg}", kwargs)
            return message, options

    inner = logging.LoggerAdapter(logging.getLogger("theirs"), {"tenant": 3})
    inner.info("plain")
    Prefixed(logging.getLogger("theirs"), {"tenant": 4}).info("m %d", 1)
    found = records()
    assert [(record["message"], record["tenant"]) for record in found] == [("plain", 3), ("[4] m 1", 4)]
    assert {record["function"] for record in found} == {"test_an_adapter_adds_its_fields"}


@pytest.mark.skipif(sys.version_info < (3, 13), reason="adapters merge from 3.13 on")
def test_an_adapter_may_merge_its_fields_with_those_of_the_call(records: Records) -> None:
    """Those of the call win."""
    logger = logging.getLogger("theirs")
    adapter = logging.LoggerAdapter(logger, {"tenant": 3, "user": "u"}, merge_extra=True)  # type: ignore[call-arg]
    adapter.info("m", extra={"user": "other", "order_id": 7})
    (record,) = records()
    assert (record["tenant"], record["user"], record["order_id"]) == (3, "other", 7)


def test_an_adapter_around_ours_adds_fields_too(records: Records) -> None:
    """`get_logger("x").logger` is the logger that an adapter wants."""
    logging.LoggerAdapter(get_logger("app").logger, {"tenant": 3}).info("m")
    assert records()[0]["tenant"] == 3


def test_levels_of_ones_own_have_their_names(records: Records) -> None:
    """Between the standard ones too, named before or after their first record, in both interfaces."""
    logging.addLevelName(25, "NOTICE")
    logging.addLevelName(15, "TRACE")
    logging.getLogger("theirs").setLevel(15)
    for logger in (logging.getLogger("theirs"), get_logger("theirs")):
        logger.log(25, "m")
        logger.log(15, "m")
        logger.log(26, "m")
    assert [record["level"] for record in records()] == ["NOTICE", "TRACE", "Level 26"] * 2
    logging.addLevelName(26, "LATER")
    logging.getLogger("theirs").log(26, "m")
    assert records()[-1]["level"] == "LATER"


def test_a_level_between_is_compared_as_a_number(records: Records) -> None:
    """By loggers and handlers alike."""
    logging.addLevelName(25, "NOTICE")
    logger = logging.getLogger("theirs")
    logger.setLevel("NOTICE")
    logger.info("below")
    logger.log(25, "at")
    logger.setLevel(26)
    logger.log(25, "below now")
    assert messages(records) == ["at"]


def test_what_a_record_factory_adds_is_a_field(records: Records) -> None:
    """From the next call on, for both interfaces; taken back, it is forgotten."""
    before = logging.getLogRecordFactory()

    def make(*args: Any, **options: Any) -> logging.LogRecord:
        record = before(*args, **options)
        record.host = "web-1"
        return record

    theirs, ours = logging.getLogger("theirs"), get_logger("ours")

    def log() -> None:
        theirs.info("theirs", extra={"order_id": 7})
        ours.info("ours", order_id=7)

    log()
    logging.setLogRecordFactory(make)
    log()
    logging.setLogRecordFactory(before)
    log()
    found = [(record["message"], record.get("host"), record["order_id"]) for record in records()]
    assert found == [(whose, host, 7) for host in (None, "web-1", None) for whose in ("theirs", "ours")]


def test_a_factory_may_make_records_of_a_class_of_its_own(records: Records) -> None:
    """Messages of `logging` are merged as that class says; what it cannot merge is written as it is. Ours are %-style.

    Seen to fail when the core merged them all.
    """

    class Braces(logging.LogRecord):
        def getMessage(self) -> str:
            return str(self.msg).format(*self.args)  # type: ignore[misc]

    logging.setLogRecordFactory(Braces)
    logging.getLogger("theirs").info("m {}", 1, extra={"order_id": 7})
    logging.getLogger("theirs").info("m {} {}", 1)
    get_logger("ours").info("m %d", 1)
    assert messages(records) == ["m 1", "m {} {}", "m 1"]
    assert records()[0]["order_id"] == 7


def test_a_filter_of_a_logger_may_change_its_records(records: Records) -> None:
    """In both interfaces; from 3.12 on by another record too."""

    def enrich(record: logging.LogRecord) -> bool:
        record.tenant = 3
        record.msg = f"[3] {record.msg}"
        return True

    logging.getLogger("theirs").addFilter(enrich)
    logging.getLogger("theirs").info("m %d", 1)
    get_logger("theirs").info("m %d", 2)
    assert [(record["message"], record["tenant"]) for record in records()] == [("[3] m 1", 3), ("[3] m 2", 3)]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="filters may answer with a record from 3.12 on")
def test_a_filter_of_a_logger_may_replace_its_records(records: Records) -> None:
    """The one that takes its place is written, once."""

    def replace(record: logging.LogRecord) -> Any:
        return logging.makeLogRecord({**vars(record), "msg": "replaced", "args": ()})

    logging.getLogger("theirs").addFilter(replace)
    logging.getLogger("theirs").info("theirs")
    get_logger("theirs").info("ours")
    assert messages(records) == ["replaced", "replaced"]


def test_a_class_of_loggers_is_honoured(records: Records) -> None:
    """By `setLoggerClass`, or of the manager; what it does more is done."""

    class Shouting(logging.Logger):
        def _log(self, level: int, msg: Any, *args: Any, **options: Any) -> None:
            super()._log(level, str(msg).upper(), *args, **options)

    logging.setLoggerClass(Shouting)
    logging.getLogger("of.a.class").info("class")
    logging.setLoggerClass(logging.Logger)
    logging.Logger.manager.loggerClass = Shouting
    logging.getLogger("of.a.manager").info("manager")
    get_logger("of.a.manager").info("ours")
    assert messages(records) == ["CLASS", "MANAGER", "ours"]


CAPTURE = """
import json, logging, warnings
from pathlib import Path
from unified_logger import init_logging, flush_logging
warnings.simplefilter("always")

def start():
    init_logging(log_dir="logs", console_format="off", native_stdlib={native})

def written():
    flush_logging()
    return [json.loads(line)["message"] for line in Path("logs/app.log").read_text().splitlines()]
"""


@pytest.mark.parametrize("native", [False, True])
def test_captured_warnings_are_written_once(run_python: Run, native: bool) -> None:
    """`captureWarnings` after the start: its own form of message, and ours again when it ends."""
    done = run_python(
        CAPTURE.format(native=native)
        + """
start()
warnings.warn("1")
logging.captureWarnings(True)
warnings.warn("2")
logging.captureWarnings(False)
warnings.warn("3")
found = written()
assert len(found) == 3 and found[0] == "1" and "UserWarning: 2" in found[1] and found[2] == "3", found
"""
    )
    assert done.stderr == ""


@pytest.mark.parametrize("native", [False, True])
def test_warnings_captured_before_the_start_are_written_once(run_python: Run, native: bool) -> None:
    """Ours come in as they do; when capturing ends they go where they went before it, until the next start."""
    done = run_python(
        CAPTURE.format(native=native)
        + """
logging.captureWarnings(True)
start()
warnings.warn("1")
logging.captureWarnings(False)
warnings.warn("2")
start()
warnings.warn("3")
assert written() == ["1", "3"], written()
"""
    )
    (told,) = [line for line in done.stderr.splitlines() if "UserWarning" in line]
    assert told.endswith("UserWarning: 2")


def test_warnings_that_a_test_catches_are_its_own(records: Records) -> None:
    """`catch_warnings(record=True)` gets them, and the files do not."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn("caught", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in caught] == ["caught"]
    assert messages(records) == []


def test_a_bound_method_that_was_kept_logs_on(records: Records) -> None:
    """Through every change of settings."""
    kept = [logging.getLogger("theirs").info, functools.partial(logging.getLogger("theirs").log, logging.WARNING)]
    for number in range(2):
        for call in kept:
            call("m %d", number)
    assert messages(records) == ["m 0", "m 0", "m 1", "m 1"]
