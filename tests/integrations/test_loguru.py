"""loguru logs into our files: what it knows of a message is what the record says."""

from __future__ import annotations

import inspect
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kinds import Records, Run

from unified_logger import LoggingContext, get_logger

loguru = pytest.importorskip("loguru")
from unified_logger.integrations.loguru import sink  # noqa: E402

logger = loguru.logger


@pytest.fixture(autouse=True)
def added(start: Callable[..., Any]) -> Iterator[Callable[..., int]]:
    """`added(**options)`: the sink added once more; it is there as the documentation has it."""
    start(log_level="DEBUG", console_format="off")
    logger.remove()

    def add(**options: Any) -> int:
        number: int = logger.add(sink, **{"format": lambda record: "", "level": 0, "catch": False, **options})
        return number

    add()
    yield add
    logger.remove()


def test_a_message_is_a_record(records: Records) -> None:
    """Keys and order as of `get_logger`; bound values and those of the call are fields."""
    logger.bind(user="u").info("order {} received", 7, order_id=7)
    (record,) = records()
    assert list(record)[:9] == "timestamp level logger message module function line thread process".split()
    assert (record["level"], record["logger"], record["message"]) == ("INFO", __name__, "order 7 received")
    assert (record["module"], record["function"]) == ("test_loguru", "test_a_message_is_a_record")
    assert list(record)[9:] == ["user", "order_id"]


def test_each_level_has_its_name_and_number(start: Callable[..., Any], records: Records) -> None:
    """Those of loguru beside the standard ones, and those a program adds."""
    start(log_level=1, file_level=1, console_format="off")
    logger.level("NOTICE", no=33)
    names = ("TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "NOTICE", "ERROR", "CRITICAL")
    for name in names:
        logger.log(name, "m")
    logger.log(35, "m")
    assert [record["level"] for record in records()] == [*names, "Level 35"]
    assert [record["level"] for record in records("errors.log")] == ["ERROR", "CRITICAL"]


def test_levels_that_share_a_number_keep_their_names(start: Callable[..., Any], records: Records) -> None:
    """Whichever name came last, in loguru or in `logging`."""
    start(console_format="off")
    logger.level("AUDIT 25", no=25)
    for _ in range(2):
        logger.success("SUCCESS")
        logger.log("AUDIT 25", "AUDIT 25")
    assert [(record["level"], record["message"]) for record in records()] == [
        ("SUCCESS", "SUCCESS"),
        ("AUDIT 25", "AUDIT 25"),
    ] * 2


def test_time_and_place_are_those_of_the_call(records: Records) -> None:
    """Also where `opt(depth=…)` names a caller, or another thread logs."""
    seen: list[Any] = []
    logger.add(lambda message: seen.append(message.record), format="{message}")

    def helper() -> None:
        logger.opt(depth=1).info("m")

    helper()
    thread = threading.Thread(target=lambda: logger.info("m"), name="worker-1")
    thread.start()
    thread.join()
    for record, told in zip(records(), seen, strict=True):
        assert record["timestamp"] == told["time"].astimezone(_utc()).isoformat(timespec="microseconds")
        assert (record["line"], record["function"]) == (told["line"], told["function"])
        assert (record["thread"], record["process"]) == (told["thread"].name, told["process"].id)
    assert records()[0]["function"] == "test_time_and_place_are_those_of_the_call"
    assert records()[1]["thread"] == "worker-1"


def _utc() -> Any:
    from datetime import timezone

    return timezone.utc


def test_exceptions_are_structured(records: Records) -> None:
    """By `exception`, `opt(exception=…)` and `catch`; the message is the message alone."""

    @logger.catch
    def fails() -> None:
        raise KeyError("k")

    try:
        raise ValueError("v")
    except ValueError as error:
        logger.exception("1")
        given = error
    logger.opt(exception=given).warning("2")
    logger.opt(exception=True).info("3")
    fails()
    first, second, third, caught = records()
    assert (first["message"], second["message"]) == ("1", "2")
    assert first["exception"]["type"] == second["exception"]["type"] == "ValueError"
    assert first["exception"]["frames"][-1]["function"] == "test_exceptions_are_structured"
    assert "exception" not in third
    assert (caught["exception"]["type"], caught["exception"]["frames"][-1]["function"]) == ("KeyError", "fails")


def test_the_requests_context_is_there(records: Records) -> None:
    """Ids and fields of `LoggingContext`, and what loguru has put into its own context."""
    with LoggingContext(trace_id="t", span_id="s", zone="z"), logger.contextualize(tenant=3):
        logger.info("m", order_id=7)
    assert list(records()[0])[9:] == ["trace_id", "span_id", "zone", "tenant", "order_id"]


def test_fields_of_any_name_are_kept(records: Records) -> None:
    """Those of a `LogRecord` and of the record alike."""
    logger.bind(**{"level": "odd", "message": "x", "msg": "y", "name": "n", "with space": 1}).info("m")
    (record,) = records()
    assert (record["level"], record["message"]) == ("INFO", "m")
    assert (record["fields.level"], record["fields.message"]) == ("odd", "x")
    assert (record["msg"], record["name"], record["with space"]) == ("y", "n", 1)


def test_braces_and_percent_signs_are_left_alone(records: Records) -> None:
    """The message is formatted once, by loguru."""
    logger.info("{} %s 100%", "{x}")
    assert records()[0]["message"] == "{x} %s 100%"


def test_levels_of_logging_decide_too(added: Callable[..., int], records: Records) -> None:
    """That of the logger with the module's name, beside the sink's own."""
    logging.getLogger(__name__).setLevel(logging.ERROR)
    logger.info("1")
    logger.error("2")
    logging.getLogger(__name__).setLevel(logging.NOTSET)
    logger.remove()
    added(level="WARNING")
    logger.info("3")
    logger.warning("4")
    assert [record["message"] for record in records()] == ["2", "4"]


def test_messages_of_a_queue_of_loguru_come_in(added: Callable[..., int], records: Records) -> None:
    """With `enqueue=True`, from loguru's thread: time, thread and exception are the call's."""
    logger.remove()
    added(enqueue=True)
    try:
        raise ValueError("v")
    except ValueError:
        logger.exception("m", order_id=7)
    logger.complete()
    (record,) = records()
    assert (record["thread"], record["order_id"]) == (threading.current_thread().name, 7)
    assert (record["exception"]["type"], record["exception"]["message"]) == ("ValueError", "v")


@pytest.mark.skipif(
    hasattr(logging.Logger, "_tls"), reason="Python 3.13.4 and 3.13.5 drop what is logged while a record is handled"
)
def test_with_its_handler_for_logging_nothing_goes_round_in_circles(records: Records) -> None:
    """With the one that loguru documents, which brings records of `logging` to it: each is in the files, whoever made it."""

    class InterceptHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logger.opt(depth=6, exception=record.exc_info).log(record.levelname, record.getMessage())

    logging.getLogger().handlers[:] = [InterceptHandler()]
    logger.info("loguru's")
    logging.getLogger("theirs").info("logging's")
    written = [record["message"] for record in records() if record["logger"] != "unified_logger"]
    assert written == ["loguru's", "logging's"]
    get_logger("ours").info("ours")
    assert [record["message"] for record in records()].count("ours") == 2  # ours, and what loguru was shown of it


def test_fallback_handlers_take_them_too(run_python: Run, tmp_path: Any) -> None:
    """`USE_UNIFIED_LOGGING=false`."""
    run_python(
        """
from loguru import logger
from unified_logger import init_logging
from unified_logger.integrations.loguru import sink
init_logging(log_dir="logs", console_format="off")
logger.remove()
logger.add(sink, format=lambda record: "")
logger.info("m", order_id=7)
""",
        USE_UNIFIED_LOGGING="false",
    )
    assert '"message":"m"' in (tmp_path / "logs" / "app.log").read_text()


def test_without_loguru_the_import_says_what_to_install(run_python: Run) -> None:
    """The extra is named."""
    code = """
import sys
sys.modules["loguru"] = None
try:
    import unified_logger.integrations.loguru
except ImportError as error:
    print(error)
"""
    assert "install unified_logger[loguru]" in run_python(code).stdout


class Now(logging.Handler):
    """loguru's recipe of today for handing records of `logging` on."""

    def emit(self, record: logging.LogRecord) -> None:
        frame, depth = inspect.currentframe(), 0
        while frame:
            file = frame.f_code.co_filename
            if depth > 0 and not (file == logging.__file__ or ("importlib" in file and "_bootstrap" in file)):
                break
            frame, depth = frame.f_back, depth + 1
        logger.opt(depth=depth).log(record.levelname, record.getMessage())


class Before(logging.Handler):
    """Its recipe of before, which begins behind as many frames as `logging` has."""

    def emit(self, record: logging.LogRecord) -> None:
        frame, depth = sys._getframe(6), 6
        while frame and frame.f_code.co_filename == logging.__file__:
            frame, depth = frame.f_back, depth + 1  # type: ignore[assignment]
        logger.opt(depth=depth).log(record.levelname, record.getMessage())


class Asking(logging.Handler):
    """Has `logging` look, beyond this method."""

    def emit(self, record: logging.LogRecord) -> None:
        _, line, function, _ = logging.getLogger("x").findCaller(stacklevel=2)
        logger.patch(lambda told: told.update(function=function, line=line)).info("m")


@pytest.mark.parametrize("kind", [Now, Before, Asking])
@pytest.mark.parametrize("unified", [True, False], ids=["engine", "plain"])
def test_who_logs_what_a_handler_hands_on_is_found(start: Callable[..., Any], kind: Any, unified: bool) -> None:
    """By handlers that walk the frames: those of ours are passed by as those of `logging` are. Seen to find `hand_over`."""
    if kind is Asking and sys.version_info < (3, 11):
        pytest.skip("frames of logging count there")
    start(use_unified_logging=unified, console_format="off")
    seen: list[tuple[str, int]] = []
    logger.remove()
    logger.add(lambda message: seen.append((message.record["function"], message.record["line"])), format="")
    root, handler, ours = logging.getLogger(), kind(), get_logger("ours")
    root.addHandler(handler)
    try:
        logging.getLogger("theirs").warning("m")
        ours.warning("m", order_id=1)
        ours.bind(user=1).error("m")
        ours.log(logging.WARNING, "m")
        ours.ai("m", model="m")
        logging.LoggerAdapter(ours, {}).error("m")  # type: ignore[arg-type]
    finally:
        root.removeHandler(handler)
    function, line = seen[0]
    assert function == "test_who_logs_what_a_handler_hands_on_is_found"
    assert seen == [(function, line + number) for number in range(6)]


def test_an_exception_given_by_its_class_is_told(records: Records) -> None:
    """As `opt(exception=(type, None, traceback))` gives it, and loguru what could not be pickled. Seen to be left out whole."""
    made = []

    class Particular(Exception):
        def __init__(self, needed: int) -> None:
            made.append(needed)

    class Impossible(Exception):
        def __new__(cls, *args: Any) -> Any:
            raise TypeError

    try:
        raise KeyError("k")
    except KeyError as error:
        traceback = error.__traceback__
    for kind in (KeyError, Particular, Impossible):
        logger.opt(exception=(kind, None, traceback)).error("m")  # type: ignore[arg-type]
    first, second, third = records()
    assert (first["exception"]["type"], first["exception"]["message"]) == ("KeyError", "")
    assert first["exception"]["frames"][-1]["function"] == "test_an_exception_given_by_its_class_is_told"
    assert second["exception"]["type"].endswith("Particular")
    assert "exception" not in third
    assert not made
