"""`unified_logger.Handler`: what it is attached to is in the files, once, and its level and filters are its own."""

from __future__ import annotations

import copy
import logging
import logging.handlers
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Records

import unified_logger
from unified_logger import Handler, LoggingContext, get_logger, get_stats

ROOT = logging.getLogger()


def messages(records: Records) -> list[str]:
    """The messages in app.log."""
    return [record["message"] for record in records()]


@pytest.fixture
def alone(start: Callable[..., Any]) -> logging.Logger:
    """A logger that propagates nowhere, in a process that has called `init_logging`."""
    start()
    logger = logging.getLogger("alone")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    return logger


def test_any_logger_may_have_it(alone: logging.Logger, records: Records) -> None:
    """One that does not propagate gets into the files by a handler of its own."""
    alone.info("without")
    alone.addHandler(Handler())
    alone.info("with", extra={"order_id": 7})
    (record,) = records()
    assert (record["message"], record["logger"], record["order_id"]) == ("with", "alone", 7)
    assert record["function"] == "test_any_logger_may_have_it"


def test_several_of_them_in_one_chain_write_once(logger: Any, records: Records) -> None:
    """Beside the one that `init_logging` put on the root logger, too."""
    for name in ("a", "a.b", "a.b.c", ""):
        logging.getLogger(name).addHandler(Handler())
    logging.getLogger("a.b").addHandler(Handler())
    logging.getLogger("a.b.c").warning("theirs")
    get_logger("a.b.c").warning("ours")
    assert messages(records) == ["theirs", "ours"]
    assert get_stats()["files"]["app"]["written"] >= 2


def test_its_level_is_honoured(alone: logging.Logger, records: Records) -> None:
    """As given, and as set later; by number or by name."""
    handler = Handler("ERROR")
    alone.addHandler(handler)
    alone.warning("1")
    alone.error("2")
    handler.setLevel(logging.INFO)
    alone.info("3")
    alone.debug("4")
    assert messages(records) == ["2", "3"]


def test_an_unknown_level_is_refused() -> None:
    """As by any handler of `logging`, before anything is started."""
    with pytest.raises(ValueError, match="LOUD"):
        Handler("LOUD", log_dir="/nowhere/at/all")


def test_its_filters_are_honoured(alone: logging.Logger, records: Records) -> None:
    """Functions and objects; what they change is what is written."""

    def enrich(record: logging.LogRecord) -> bool:
        record.tenant = 3
        return "secret" not in record.getMessage()

    handler = Handler()
    handler.addFilter(enrich)
    handler.addFilter(logging.Filter("alone"))
    alone.addHandler(handler)
    alone.info("secret")
    alone.info("plain")
    handler.removeFilter(enrich)
    alone.info("secret")
    assert [(record["message"], record.get("tenant")) for record in records()] == [("plain", 3), ("secret", None)]


def test_what_one_keeps_out_another_may_take(logger: Any, records: Records) -> None:
    """A filter is for its own handler."""
    first = Handler()
    first.addFilter(lambda record: False)
    logging.getLogger("theirs").addHandler(first)
    logging.getLogger("theirs").warning("m")
    assert messages(records) == ["m"]


def _replace(record: logging.LogRecord) -> logging.LogRecord:
    other = copy.copy(record)
    other.msg = "replaced"
    return other


def test_a_record_put_in_its_place_by_a_filter_is_written_once(logger: Any, records: Records) -> None:
    """From 3.12 on a filter may answer with another record; the root logger's handler has nothing to add."""
    handler = Handler()
    handler.addFilter(_replace)  # type: ignore[arg-type]
    logging.getLogger("theirs").addHandler(handler)
    logging.getLogger("theirs").warning("m")
    assert messages(records) == ["replaced" if sys.version_info >= (3, 12) else "m"]


class Replacing(Handler):
    """Does what a filter of 3.12 does, on every version."""

    def filter(self, record: logging.LogRecord) -> Any:
        return _replace(record)


def test_a_class_of_ones_own_may_replace_records(logger: Any, records: Records) -> None:
    """The one that came counts as written too, by ours or by theirs."""
    logging.getLogger("theirs").addHandler(Replacing())
    logging.getLogger("theirs").warning("m")
    logging.getLogger("theirs").addHandler(Replacing())
    logging.getLogger("theirs").warning("m")
    assert messages(records) == ["replaced", "replaced"]


def test_a_class_of_ones_own_sees_every_record_of_logging(start: Callable[..., Any], records: Records) -> None:
    """On the root logger, whatever it overrides, with `native_stdlib` too."""

    class Counting(Handler):
        def emit(self, record: logging.LogRecord) -> None:
            record.counted = True
            super().emit(record)

    ROOT.handlers[:] = [Counting()]
    start(native_stdlib=True)
    for _ in range(2):
        logging.getLogger("theirs").warning("m")
    assert [record["counted"] for record in records()] == [True, True]


class Anew(Handler):
    """Makes another record of each, which knows nothing of the first."""

    def filter(self, record: logging.LogRecord) -> Any:
        return logging.makeLogRecord({"msg": "anew"})


def test_a_record_that_is_written_is_not_written_again_for_a_filter(logger: Any, records: Records) -> None:
    """Whatever a filter makes of it afterwards."""
    ROOT.handlers[:] = [Anew()]
    logging.getLogger("theirs").addHandler(Handler())
    logging.getLogger("theirs").warning("theirs")
    logger.warning("ours")
    assert messages(records) == ["theirs", "ours"]


def test_flush_brings_records_into_the_files(alone: logging.Logger, log_dir: Path) -> None:
    """When it returns they are there."""
    handler = Handler()
    alone.addHandler(handler)
    for number in range(500):
        alone.info("m %d", number)
    handler.flush()
    assert len((log_dir / "app.log").read_text().splitlines()) == 500


def test_close_ends_nothing(alone: logging.Logger, records: Records) -> None:
    """Not the writer, and not the handler; `logging.shutdown` closes all there are."""
    handler = Handler()
    alone.addHandler(handler)
    handler.close()
    alone.info("after close")
    logging.shutdown()
    alone.info("after shutdown")
    get_logger("app").info("ours")
    logging.getLogger("theirs").warning("theirs")
    assert messages(records) == ["after close", "after shutdown", "ours", "theirs"]


def test_it_has_a_name_to_be_found_by(alone: logging.Logger) -> None:
    """As handlers that a configuration names."""
    handler = Handler()
    handler.name = "found by this"
    assert logging._handlers["found by this"] is handler  # type: ignore[attr-defined]
    handler.close()
    assert "found by this" not in logging._handlers  # type: ignore[attr-defined]


def test_a_formatter_changes_nothing(alone: logging.Logger, records: Records) -> None:
    """Files and console have formats of their own."""
    handler = Handler()
    handler.setFormatter(logging.Formatter("formatted: %(message)s"))
    alone.addHandler(handler)
    alone.info("m")
    assert messages(records) == ["m"]


def test_records_that_are_handed_to_it_are_written(alone: logging.Logger, records: Records) -> None:
    """By `handle` and by `emit`, as wrappers of handlers do; the level is for the logger to look at."""
    handler = Handler(logging.ERROR)
    handler.handle(logging.makeLogRecord({"msg": "handled", "levelno": 10, "levelname": "DEBUG"}))
    handler.emit(logging.makeLogRecord({"msg": "emitted", "levelno": 10, "levelname": "DEBUG"}))
    assert messages(records) == ["handled", "emitted"]


def test_a_memory_handler_may_stand_before_it(alone: logging.Logger, records: Records) -> None:
    """What it kept comes at once, with the times of the calls."""
    alone.addHandler(logging.handlers.MemoryHandler(10, target=Handler()))
    for number in range(3):
        alone.info("%d", number)
    assert messages(records) == []
    alone.error("3")
    found = records()
    assert [record["message"] for record in found] == ["0", "1", "2", "3"]
    assert sorted(record["timestamp"] for record in found) == [record["timestamp"] for record in found]


def test_a_queue_may_stand_before_it(alone: logging.Logger, records: Records) -> None:
    """Thread, time, line and fields are those of the call; of one of ours the context is, too, and it is written once."""
    waiting = queue.SimpleQueue[Any]()
    listener = logging.handlers.QueueListener(waiting, Handler(), respect_handler_level=True)
    alone.addHandler(logging.handlers.QueueHandler(waiting))
    listener.start()

    def work() -> None:
        alone.info("theirs %d", 1, extra={"order_id": 7})
        with LoggingContext(trace_id="t"):
            get_logger("alone").info("ours %d", 2, order_id=8)

    thread = threading.Thread(target=work, name="worker-1")
    thread.start()
    thread.join()
    listener.stop()
    theirs, ours = sorted(records(), key=lambda record: record["order_id"])
    assert (theirs["message"], ours["message"], ours["trace_id"]) == ("theirs 1", "ours 2", "t")
    for record in (theirs, ours):
        assert (record["thread"], record["function"], record["module"]) == ("worker-1", "work", "test_handler")


def test_an_exception_comes_through_a_queue_as_text(alone: logging.Logger, records: Records) -> None:
    """That is what `QueueHandler` makes of it, and no more."""
    waiting = queue.SimpleQueue[Any]()
    listener = logging.handlers.QueueListener(waiting, Handler())
    alone.addHandler(logging.handlers.QueueHandler(waiting))
    listener.start()
    try:
        raise ValueError("v")
    except ValueError:
        alone.exception("failed")
    listener.stop()
    (record,) = records("errors.log")
    assert record["message"].startswith("failed\nTraceback")
    assert record["message"].endswith("ValueError: v")


def test_one_on_the_root_logger_stands_for_that_of_a_start(start: Callable[..., Any], records: Records) -> None:
    """`init_logging` puts none beside one that is there."""
    start()
    own = Handler()
    ROOT.handlers[:] = [own]
    start()
    assert ROOT.handlers == [own]
    logging.getLogger("theirs").warning("m")
    assert messages(records) == ["m"]


def test_calls_stay_native_with_one_of_theirs_on_the_root_logger(
    start: Callable[..., Any], records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its first record no `LogRecord` is made for our own calls, nor with `native_stdlib` for theirs.

    Seen to fail when the core was only told of the handler that `init_logging` makes.
    """
    start(native_stdlib=True)
    ROOT.handlers[:] = [Handler()]
    log, theirs = get_logger("app"), logging.getLogger("theirs")
    log.info("first")
    made: list[Any] = []
    monkeypatch.setattr(Handler, "handle", lambda self, record: made.append(record))
    log.info("ours")
    theirs.warning("theirs")
    assert made == []
    assert messages(records) == ["first", "ours", "theirs"]


def test_it_is_public() -> None:
    """Under the name that configurations give."""
    assert {"Handler", "JSONFormatter"} <= set(unified_logger.__all__)
    assert repr(Handler(logging.ERROR)) == "<Handler (ERROR)>"
