"""A context may have a level of its own: it decides on the records of its request, whatever the levels of their loggers."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

import pytest
from kinds import Records

from unified_logger import (
    LoggingContext,
    UnifiedLogger,
    get_logger,
    get_stats,
    init_logging,
    shutdown_logging,
    span,
)

std = logging.getLogger("app.std")


@pytest.fixture
def start(start: Callable[..., Any]) -> Callable[..., Any]:
    """`init_logging` without a console; takes the same options."""
    return partial(start, console_format="off")


@pytest.fixture
def messages(records: Records) -> Callable[[], list[str]]:
    """`messages()`: those of app.log."""
    return lambda: [record["message"] for record in records()]


Messages = Callable[[], list[str]]


def test_records_below_the_loggers_level_are_made_inside(logger: UnifiedLogger, messages: Messages) -> None:
    """And not before, beside or after."""
    logger.debug("before")
    with LoggingContext(level="DEBUG"):
        logger.debug("inside")
        logger.debug("with a field", n=1)
        logger.debug("with %s", "arguments")
        logger.log(10, "by number")
        logger.log(15, "between")
        logger.log(9, "too low")
        get_logger("other.one").debug("of another logger")
    logger.debug("after")
    assert messages() == ["inside", "with a field", "with arguments", "by number", "between", "of another logger"]


def test_a_context_can_be_quieter(logger: UnifiedLogger, messages: Messages) -> None:
    """Records that the logger would make are not made, in any of their forms, and count as filtered."""
    before = get_stats()["filtered"]
    with LoggingContext(level="ERROR"):
        logger.info("plain")
        logger.info("with a field", n=1)
        logger.warning("with %s", "arguments")
        logger.log(35, "between")
        logger.ai("an answer")
        std.warning("of logging")
        logger.error("an error")
        std.error("an error of logging")
    assert messages() == ["an error", "an error of logging"]
    assert get_stats()["filtered"] - before == 5


@pytest.mark.parametrize("native", [False, True])
def test_loggers_of_the_standard_library_follow(start: Callable[..., Any], messages: Messages, native: bool) -> None:
    """`isEnabledFor` says so too, of both interfaces; native or not."""
    start(native_stdlib=native)
    std.debug("before")
    with LoggingContext(level="DEBUG"):
        std.debug("inside")
        assert std.isEnabledFor(logging.DEBUG)
        assert get_logger("app").logger.isEnabledFor(logging.DEBUG)
        assert not std.isEnabledFor(5)
        logging.LoggerAdapter(std, {}).debug("adapted")
    with LoggingContext(level="ERROR"):
        assert not std.isEnabledFor(logging.WARNING)
        std.warning("quiet")
    assert not std.isEnabledFor(logging.DEBUG)
    std.debug("after")
    std.info("info")
    assert messages() == ["inside", "adapted", "info"]


@pytest.mark.parametrize("native", [False, True])
def test_handlers_of_other_people_see_these_records(
    start: Callable[..., Any], messages: Messages, native: bool
) -> None:
    """Of both interfaces."""
    seen = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    start(native_stdlib=native)
    logging.getLogger("app").addHandler(Collector())
    with LoggingContext(level="DEBUG"):
        get_logger("app").debug("ours")
        std.debug("theirs")
    with LoggingContext(level="ERROR"):
        get_logger("app").info("quiet")
        std.info("quiet")
    assert seen == ["ours", "theirs"]
    assert messages() == ["ours", "theirs"]


def test_fallback_handlers_follow(start: Callable[..., Any], messages: Messages) -> None:
    """`USE_UNIFIED_LOGGING=false`."""
    start(use_unified_logging=False)
    with LoggingContext(level="DEBUG"):
        get_logger("app").debug("ours")
        std.debug("theirs")
    with LoggingContext(level="ERROR"):
        get_logger("app").info("quiet")
    get_logger("app").debug("after")
    assert messages() == ["ours", "theirs"]


def test_what_is_inside_inherits_the_level(logger: UnifiedLogger, messages: Messages) -> None:
    """Contexts, spans, loggers with fields of their own and `set_trace_context`; a level of its own outranks it."""
    with LoggingContext(level="DEBUG"):
        with LoggingContext(user=1):
            logger.debug("context")
        with span("work", logger="app", level="DEBUG"):
            logger.debug("span")
        logger.set_trace_context(order=7)
        logger.debug("set")
        logger.bind(bound=1).debug("bound")
        with LoggingContext(level="ERROR"):
            logger.info("quiet")
            logger.bind(bound=1).info("quiet too")
        logger.debug("again")
    assert messages() == ["context", "span started", "span", "span ended", "set", "bound", "again"]


def test_it_narrows_nothing_else(
    start: Callable[..., Any], records: Records, capfd: pytest.CaptureFixture[str]
) -> None:
    """`file_level` and `console_level` still decide what comes where."""
    start(console_format="json", console_level="INFO")
    with LoggingContext(level="DEBUG"):
        get_logger("app").debug("in the file")
    start(console_format="json", file_level="INFO")
    with LoggingContext(level="DEBUG"):
        get_logger("app").debug("nowhere")
    assert [record["message"] for record in records()] == ["in the file"]
    assert "in the file" not in capfd.readouterr().err


def test_what_is_off_stays_off(logger: UnifiedLogger, messages: Messages) -> None:
    """A logger that is disabled, and `logging.disable`."""
    logging.getLogger("app.off").disabled = True
    logging.disable(logging.INFO)
    with LoggingContext(level="DEBUG"):
        get_logger("app.off").error("disabled")
        logging.getLogger("app.off").error("disabled")
        logger.info("below what is disabled")
        std.info("below what is disabled")
        logger.warning("above")
        std.warning("above")
    logging.disable(logging.NOTSET)
    # It may be told of: a configuration of `logging` could have disabled it.
    assert [message for message in messages() if not message.startswith("logger 'app.off' is disabled")] == [
        "above",
        "above",
    ]


def test_levels_of_loggers_change_meanwhile(logger: UnifiedLogger, messages: Messages) -> None:
    """What is remembered of a logger inside a context holds outside it too."""
    with LoggingContext(level="DEBUG"):
        logging.getLogger("app").setLevel(logging.WARNING)
        logger.debug("inside")
        std.debug("inside")
    logger.info("outside")
    std.info("outside")
    with LoggingContext(level="ERROR"):
        logging.getLogger("app").setLevel(logging.DEBUG)
        logger.info("quiet")
    logger.debug("outside, and enabled")
    assert messages() == ["inside", "inside", "outside, and enabled"]


def test_each_task_has_its_own(logger: UnifiedLogger, messages: Messages) -> None:
    """Hundreds of tasks, of which every third is to be told of in detail."""

    async def work(number: int) -> None:
        with LoggingContext(level=("DEBUG", None, "ERROR")[number % 3]):
            for _ in range(3):
                await asyncio.sleep(0)
                logger.debug("debug %d", number)
                std.info("info %d", number)

    async def main() -> None:
        await asyncio.gather(*(work(number) for number in range(300)))

    asyncio.run(main())
    found = messages()
    assert {text for text in found if text.startswith("debug")} == {f"debug {number}" for number in range(0, 300, 3)}
    assert {text for text in found if text.startswith("info")} == {
        f"info {number}" for number in range(300) if number % 3 != 2
    }
    assert len(found) == 300 + 600


def test_it_follows_the_work_to_threads(logger: UnifiedLogger, messages: Messages) -> None:
    """With the context, and only with it."""
    with LoggingContext(level="DEBUG"), ThreadPoolExecutor(1) as pool:
        pool.submit(logger.debug, "without").result()
        pool.submit(copy_context().run, logger.debug, "with").result()
        asyncio.run(asyncio.to_thread(logger.debug, "to_thread"))
    # asyncio has something to say in detail itself.
    assert [message for message in messages() if "selector" not in message] == ["with", "to_thread"]


def test_threads_beside_it_notice_nothing(logger: UnifiedLogger, messages: Messages) -> None:
    """One thread in a context, another without one, in turns."""
    barrier = threading.Barrier(2, timeout=30)

    def work(level: str | None) -> None:
        with LoggingContext(level=level):
            for _ in range(100):
                barrier.wait()
                logger.debug("debug of %s", level)
                std.debug("debug of %s", level)

    threads = [threading.Thread(target=work, args=(level,)) for level in ("DEBUG", None)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert messages() == ["debug of DEBUG"] * 200


def test_it_decorates(logger: UnifiedLogger, messages: Messages) -> None:
    """Functions and coroutines."""

    @LoggingContext(level="DEBUG")
    def work() -> None:
        logger.debug("function")

    @LoggingContext(level="DEBUG")
    async def work_async() -> None:
        logger.debug("coroutine")

    work()
    asyncio.run(work_async())
    logger.debug("outside")
    assert messages() == ["function", "coroutine"]


def test_a_level_that_is_none_has_no_effect_and_is_said_once(
    logger: UnifiedLogger, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request is not to fail of it."""
    monkeypatch.setattr("unified_logger.context.blocks._reported", set())
    for _ in range(3):
        with LoggingContext(level="LOUD"):
            logger.debug("no")
            logger.info("yes")
    found = [(record["level"], record["message"]) for record in records()]
    assert sorted(found)[:3] == [("INFO", "yes")] * 3
    ((level, text),) = (item for item in found if item[1] != "yes")
    assert level == "WARNING"
    assert "LoggingContext: level = 'LOUD' is not allowed: must be one of DEBUG" in text


def test_the_loggers_get_their_method_back(start: Callable[..., Any]) -> None:
    """`logging` is as it was before the first such context, once logging is shut down; the next such context is followed again."""
    original = vars(logging.Logger)["isEnabledFor"]
    start()
    with LoggingContext(level="DEBUG"):
        assert vars(logging.Logger)["isEnabledFor"] is not original
    shutdown_logging()
    assert vars(logging.Logger)["isEnabledFor"] is original
    start()
    with LoggingContext(level="DEBUG"):
        assert std.isEnabledFor(logging.DEBUG)


def test_a_patch_of_somebody_else_is_left_alone(logger: UnifiedLogger, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may call what it replaced, ours included: there is no circle."""
    with LoggingContext(level="DEBUG"):
        pass
    ours = logging.Logger.isEnabledFor

    def patched(self: logging.Logger, level: int) -> bool:
        return ours(self, level)

    monkeypatch.setattr(logging.Logger, "isEnabledFor", patched)
    with LoggingContext(level="DEBUG"):
        assert std.isEnabledFor(logging.DEBUG)
    assert not std.isEnabledFor(logging.DEBUG)
    shutdown_logging()
    assert logging.Logger.isEnabledFor is patched
    monkeypatch.undo()
    shutdown_logging()


@pytest.mark.parametrize("arguments", [(), (10, 20), ("DEBUG",), (None,)])
def test_a_call_that_is_wrong_is_answered_as_ever(logger: UnifiedLogger, arguments: Any) -> None:
    """By the method that was there."""

    def outcome() -> object:
        try:
            return std.isEnabledFor(*arguments)
        except Exception as error:
            return type(error)

    expected = outcome()
    with LoggingContext(level="DEBUG"):
        assert outcome() == expected
        assert std.isEnabledFor(level=logging.WARNING)


def test_records_from_before_the_start_are_kept(run_python: Callable[..., Any], tmp_path: Any) -> None:
    """The context has decided when they were made."""
    run_python(
        """
from unified_logger import LoggingContext, get_logger, init_logging
logger = get_logger("app")
with LoggingContext(level="DEBUG"):
    logger.debug("kept")
with LoggingContext(level="ERROR"):
    logger.info("quiet")
logger.debug("not kept")
logger.info("info")
with LoggingContext(level="DEBUG"):
    init_logging(log_dir="logs", console_format="off")
"""
    )
    text = (tmp_path / "logs" / "app.log").read_text()
    assert [word for word in ("kept", "quiet", "not kept", "info") if f'"message":"{word}"' in text] == ["kept", "info"]


def test_records_after_the_end_follow_too(logger: UnifiedLogger, messages: Messages) -> None:
    """What is written by the calls themselves."""
    shutdown_logging()
    with LoggingContext(level="DEBUG"):
        logger.debug("after the end")
    with LoggingContext(level="ERROR"):
        logger.info("quiet")
    assert messages() == ["after the end"]


def test_a_field_called_level_is_still_possible(logger: UnifiedLogger, records: Records) -> None:
    """By `set_trace_context`, inside or outside a context."""
    with LoggingContext():
        logger.set_trace_context(level="gold")
        logger.debug("no")
        logger.info("yes")
    ((record),) = records()
    assert (record["level"], record["fields.level"]) == ("INFO", "gold")


def test_init_inside_such_a_context(log_dir: Any, records: Records) -> None:
    """The levels that a start sets are those of the loggers."""
    with LoggingContext(level="DEBUG"):
        init_logging(log_dir=str(log_dir), log_level="WARNING")
        get_logger("app").debug("inside")
    get_logger("app").info("outside")
    assert [record["message"] for record in records()] == ["inside"]
