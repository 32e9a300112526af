"""Other people's use of `logging` beside ours: handlers, filters, adapters, warnings, and changes while threads log."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from kinds import Records, Run, Start

from unified_logger import LoggingContext, UnifiedLogger, get_logger


class Collector(logging.Handler):
    """Keeps what it is given."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.seen: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record)

    @property
    def messages(self) -> list[str]:
        """Their texts."""
        return [record.getMessage() for record in self.seen]


@pytest.fixture
def sub(logger: UnifiedLogger) -> UnifiedLogger:
    """A logger two levels below `app`."""
    return get_logger("app.middle.sub")


def messages(records: Records) -> list[str]:
    """The messages in app.log."""
    return [record["message"] for record in records()]


def test_handlers_up_to_the_first_that_does_not_propagate(sub: UnifiedLogger, records: Records) -> None:
    """Those above it see nothing; the files do."""
    below, above = Collector(), Collector()
    logging.getLogger("app.middle").addHandler(below)
    logging.getLogger("app").addHandler(above)
    sub.info("both")
    logging.getLogger("app.middle").propagate = False
    sub.info("below only")
    logging.getLogger("app.middle").propagate = True
    sub.info("both again")
    assert below.messages == ["both", "below only", "both again"]
    assert above.messages == ["both", "both again"]
    assert messages(records) == ["both", "below only", "both again"]


@pytest.mark.parametrize("where", ["app.middle.sub", "app.middle", "app"])
def test_a_list_of_handlers_assigned_anywhere_is_seen(sub: UnifiedLogger, records: Records, where: str) -> None:
    """On the logger or a parent; and again when it is put back."""
    collector, target = Collector(), logging.getLogger(where)
    before = target.handlers
    sub.info("before")
    target.handlers = [collector]
    sub.info("with")
    target.handlers = before
    sub.info("after")
    assert collector.messages == ["with"]
    assert messages(records) == ["before", "with", "after"]


def test_levels_and_filters_of_a_handler_are_its_own(sub: UnifiedLogger, records: Records) -> None:
    """They keep records from it and from nothing else."""
    narrow, filtered = Collector(logging.ERROR), Collector()
    filtered.addFilter(lambda record: "secret" not in record.getMessage())
    for handler in (narrow, filtered):
        logging.getLogger("app").addHandler(handler)
    sub.info("secret")
    sub.error("plain")
    assert narrow.messages == ["plain"]
    assert filtered.messages == ["plain"]
    assert messages(records) == ["secret", "plain"]


def test_levels_above_critical_are_shown_to_others(sub: UnifiedLogger, records: Records) -> None:
    """Also where CRITICAL itself is off. Seen to fail where only the answers for standard levels were looked at."""
    collector, target = Collector(), sub.logger
    target.addHandler(collector)
    target.setLevel(55)
    sub.log(60, "above")
    sub.critical("below")
    assert collector.messages == ["above"]
    assert messages(records) == ["above"]


def test_a_filter_of_a_parent_is_not_asked(sub: UnifiedLogger, records: Records) -> None:
    """As in `logging`: filters of a logger are for what is logged to that logger."""
    logging.getLogger("app").addFilter(lambda record: False)
    sub.info("passes")
    get_logger("app").info("does not")
    assert messages(records) == ["passes"]


def test_other_handlers_of_the_root_see_each_record_once(sub: UnifiedLogger, records: Records) -> None:
    """Ours and theirs."""
    collector = Collector()
    logging.getLogger().addHandler(collector)
    sub.info("ours", order_id=7)
    logging.getLogger("theirs").warning("theirs")
    assert collector.messages == messages(records) == ["ours", "theirs"]
    assert collector.seen[0].order_id == 7  # type: ignore[attr-defined]
    assert collector.seen[0].lineno == records()[0]["line"]


def test_an_adapter_logs_from_its_callers_line(logger: UnifiedLogger, records: Records) -> None:
    """With its fields."""
    adapter = logging.LoggerAdapter(logging.getLogger("theirs"), {"tenant": 3})
    with LoggingContext(trace_id="t"):
        adapter.warning("m %d", 1)
    (record,) = records()
    assert (record["message"], record["tenant"], record["trace_id"]) == ("m 1", 3, "t")
    assert record["function"] == "test_an_adapter_logs_from_its_callers_line"


def test_their_stacklevel_is_kept(logger: UnifiedLogger, records: Records) -> None:
    """The line is the one `logging` found."""

    def helper() -> None:
        logging.getLogger("theirs").warning("m", stacklevel=2)

    helper()
    assert records()[0]["function"] == "test_their_stacklevel_is_kept"


def test_their_bad_arguments_are_kept(logger: UnifiedLogger, records: Records) -> None:
    """No record is lost for them, and the next is written."""
    logging.getLogger("theirs").warning("%d apples", "many")
    logging.getLogger("theirs").warning("next")
    assert messages(records) == ["%d apples", "next"]


def test_handlers_that_come_and_go_while_threads_log(logger: UnifiedLogger, records: Records) -> None:
    """Each record is in the file once, whichever way it went."""
    collector, stop = Collector(), threading.Event()

    def work(thread: int) -> None:
        for number in range(2_000):
            logger.info("m", thread_number=thread, number=number)

    def change() -> None:
        while not stop.is_set():
            logging.getLogger("app").addHandler(collector)
            logging.getLogger("app").removeHandler(collector)

    changing = threading.Thread(target=change)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in (changing, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    changing.join()
    found = records()
    for thread in range(2):
        assert [record["number"] for record in found if record["thread_number"] == thread] == list(range(2_000))


def test_handlers_there_before_keep_working(run_python: Run, tmp_path: Path) -> None:
    """A program that called `basicConfig` first gets its own output, and the files have each record once."""
    done = run_python(
        """
import logging
logging.basicConfig(format="theirs: %(message)s", level=logging.INFO)
from unified_logger import get_logger, init_logging
init_logging(log_dir="logs", console_format="off")
get_logger("app").info("one")
logging.getLogger("lib").info("two")
"""
    )
    assert done.stderr.splitlines() == ["theirs: one", "theirs: two"]
    on_disk = [json.loads(line)["message"] for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert on_disk == ["one", "two"]


def test_handlers_of_others_see_records_before_the_start(run_python: Run, tmp_path: Path) -> None:
    """At the levels of `logging`; the files have them later, and those below their level where the start lowers it."""
    done = run_python(
        """
import logging
from unified_logger import get_logger, init_logging
logging.basicConfig(format="theirs: %(levelname)s %(message)s %(order_id)s", level=logging.INFO)
logger = get_logger("app")
logger.debug("one", order_id=1)
logger.info("two", order_id=2)
logger.ai("three", order_id=3)
init_logging(log_dir="logs", log_level="DEBUG", console_format="off")
logger.debug("four", order_id=4)
"""
    )
    assert done.stderr.splitlines() == ["theirs: INFO two 2", "theirs: INFO three 3", "theirs: DEBUG four 4"]
    on_disk = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert [(record["message"], record["order_id"]) for record in on_disk] == [
        ("one", 1),
        ("two", 2),
        ("three", 3),
        ("four", 4),
    ]
    assert "three" in (tmp_path / "logs" / "ai_responses.log").read_text()


def test_a_record_that_a_handler_showed_before_the_start_is_not_shown_at_the_end(run_python: Run) -> None:
    """Without a start, a warning that nobody showed goes to standard error as the process ends; none goes there twice."""
    done = run_python(
        """
import logging
from unified_logger import get_logger
get_logger("app").warning("to nobody")
logging.basicConfig(format="theirs: %(message)s")
get_logger("app").warning("to a handler")
"""
    )
    first, second = done.stderr.splitlines()
    assert first == "theirs: to a handler"
    assert "to nobody" in second


def test_warnings_of_a_program_come_in(run_python: Run, tmp_path: Path) -> None:
    """With file and line of the code that warned; stderr has no second copy."""
    done = run_python(
        """
import warnings
from unified_logger import init_logging
init_logging(log_dir="logs", console_format="off")
warnings.warn("old", UserWarning)
"""
    )
    (record,) = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert (record["logger"], record["level"], record["message"]) == ("py.warnings", "WARNING", "old")
    assert record["line"] == 5
    assert done.stderr == ""


def test_a_second_start_installs_nothing_twice(start: Callable[..., Any], records: Records) -> None:
    """One handler on the root, each record once."""
    for _ in range(3):
        start()
    logging.getLogger("theirs").warning("theirs")
    get_logger("app").info("ours")
    assert messages(records) == ["theirs", "ours"]


@pytest.fixture(autouse=True)
def stock_handlers() -> Iterator[None]:
    """Gives the loggers of these tests lists of their own again."""
    yield
    for name in ("app", "app.middle", "app.middle.sub"):
        logging.getLogger(name).handlers = []


@pytest.mark.parametrize("least", [51, 60, 61])
def test_a_handler_above_all_levels_gets_what_is_above_it(start: Start, least: int) -> None:
    """A level above CRITICAL is no standard one, even if it is a multiple of ten. Seen to fail with 60."""
    start()
    seen: list[int] = []
    handler = logging.Handler(least)
    handler.emit = lambda record: seen.append(record.levelno)  # type: ignore[method-assign]
    get_logger("app").logger.addHandler(handler)
    for number in (50, 60, 70):
        get_logger("app").log(number, "m")
    assert seen == [number for number in (50, 60, 70) if number >= least]


def test_a_patched_method_without_a_name_costs_no_record(start: Start, records: Records) -> None:
    """With redaction, others who get records are told of, whatever they are."""
    start(redaction=True)
    with mock.patch("logging.Logger.callHandlers"):
        get_logger("app").info("m")
    assert "m" in [record["message"] for record in records()]
