"""structlog logs into our files: level, message, fields, context, exception and the place of the call are right."""

from __future__ import annotations

import asyncio
import logging
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kinds import Records, Run

from unified_logger import LoggingContext, get_stats

structlog = pytest.importorskip("structlog")
from unified_logger.integrations.structlog import EventLogger, LoggerFactory  # noqa: E402


@pytest.fixture(autouse=True)
def configured(start: Callable[..., Any]) -> Iterator[Callable[..., None]]:
    """`configured(*processors, **options)`: structlog set up; by default as the documentation has it."""
    start(log_level="DEBUG", console_format="off")
    logging.getLogger("asyncio").setLevel(logging.INFO)

    def configure(*processors: Any, **options: Any) -> None:
        processors = (structlog.contextvars.merge_contextvars, *processors)
        structlog.configure(processors=processors, logger_factory=LoggerFactory(), **options)

    configure()
    yield configure
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


WRAPPERS = {
    "native": lambda: structlog.make_filtering_bound_logger(logging.NOTSET),
    "stdlib": lambda: structlog.stdlib.BoundLogger,
    "generic": lambda: structlog.BoundLogger,
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_an_event_is_a_record(wrapper: str, configured: Any, records: Records) -> None:
    """Keys and order as of `get_logger`; bound values and those of the call are fields."""
    configured(wrapper_class=WRAPPERS[wrapper]())
    structlog.get_logger("shop.orders").bind(user="u").info("order received", order_id=7, tags={"b"})
    (record,) = records()
    assert list(record)[:9] == "timestamp level logger message module function line thread process".split()
    assert (record["level"], record["logger"], record["message"]) == ("INFO", "shop.orders", "order received")
    assert (record["module"], record["function"]) == ("test_structlog", "test_an_event_is_a_record")
    assert list(record)[9:] == ["user", "order_id", "tags"]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_each_method_has_its_level(wrapper: str, configured: Any, records: Records) -> None:
    """Those that structlog's loggers have."""
    configured(wrapper_class=WRAPPERS[wrapper]())
    log = structlog.get_logger("app")
    for name in ("debug", "info", "warning", "warn", "error", "critical"):
        getattr(log, name)(name)
    if wrapper != "native":  # In some releases its own `fatal` is an `error`.
        log.fatal("fatal")
    if wrapper != "generic":
        log.log(logging.WARNING, "log")
    if wrapper != "stdlib":
        log.msg("msg")
    expected = {"warn": "WARNING", "fatal": "CRITICAL", "msg": "INFO", "log": "WARNING"}
    assert all(record["level"] == expected.get(record["message"], record["message"].upper()) for record in records())
    assert len(records()) == 8


def test_a_logger_without_a_name_has_that_of_its_module(records: Records) -> None:
    """As structlog's own factory for `logging` names it."""
    structlog.get_logger().info("m")
    assert records()[0]["logger"] == __name__


def test_the_line_is_the_callers(records: Records) -> None:
    """`stacklevel` names one further up; one that is too large the outermost."""
    log = structlog.get_logger("app")

    def helper(**options: Any) -> None:
        log.info("m", **options)

    helper()
    helper(stacklevel=2)
    helper(stacklevel=10_000)
    helper(stacklevel="odd")
    name = "test_the_line_is_the_callers"
    found = [record["function"] for record in records()]
    assert found == ["helper", name, "<module>", "helper"] or found == ["helper", name, "_run_module_as_main", "helper"]
    assert all("stacklevel" not in record for record in records())


def test_an_asynchronous_call_is_a_record_of_its_place(records: Records) -> None:
    """Though another thread logs it; with the ids of the request."""

    async def work() -> None:
        with LoggingContext(trace_id="t"):
            await structlog.get_logger("app").ainfo("m", order_id=7)
            try:
                raise ValueError("v")
            except ValueError:
                await structlog.get_logger("app").aexception("failed")

    asyncio.run(work())
    plain, failed = records()
    assert (plain["function"], failed["function"]) == ("work", "work")
    assert (plain["trace_id"], failed["trace_id"]) == ("t", "t")
    assert failed["exception"]["type"] == "ValueError"
    if hasattr(structlog.contextvars, "_ASYNC_CALLING_THREAD"):
        assert plain["thread"] == threading.current_thread().name


def test_context_variables_of_both_are_there(records: Records) -> None:
    """Ids and fields of `LoggingContext`, then what structlog has bound to the context; the call's wins."""
    structlog.contextvars.bind_contextvars(tenant=3, user="structlog's")
    with LoggingContext(trace_id="t", span_id="s", user="ours", zone="z"):
        structlog.get_logger("app").info("m", order_id=7)
    (record,) = records()
    assert list(record)[9:12] == ["trace_id", "span_id", "zone"]
    assert set(list(record)[12:]) == {"tenant", "user", "order_id"}
    assert record["user"] == "structlog's"


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_exceptions_are_structured(wrapper: str, configured: Any, records: Records) -> None:
    """By `exception`, `exc_info=True`, or given."""
    configured(wrapper_class=WRAPPERS[wrapper]())
    log = structlog.get_logger("app")
    try:
        raise KeyError("k")
    except KeyError as error:
        log.exception("1")
        log.warning("2", exc_info=True)
        given = error
    log.info("3", exc_info=given)
    log.info("4", exc_info=(type(given), given, None))
    log.info("5", exc_info=False)
    assert [record.get("exception", {}).get("type") for record in records()] == ["KeyError"] * 4 + [None]
    assert [frame["function"] for frame in records()[0]["exception"]["frames"]] == ["test_exceptions_are_structured"]


def test_what_processors_say_of_the_record_goes_where_it_belongs(configured: Any, records: Records) -> None:
    """A chain that was made for a renderer is no trouble: nothing is said twice, texts keep their names where they have one."""
    configured(
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.TimeStamper(fmt="iso"),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    log = structlog.get_logger("app")
    try:
        raise ValueError("v")
    except ValueError:
        log.exception("failed %d times", 3, stack_info=True)
        log.error("failed", exc_info=True)
    structured, as_text = records()
    assert structured["message"] == "failed 3 times"
    assert list(structured)[9:] == ["exception", "stack", "fields.timestamp"]
    assert list(as_text)[9:] == ["fields.timestamp", "exc_text"]
    assert as_text["exc_text"].endswith("ValueError: v")


def test_a_field_of_the_record_moves_aside(records: Records) -> None:
    """It overwrites nothing."""
    structlog.get_logger("app").info("m", level="odd", logger="mine", message="x", msg="y", name="n")
    (record,) = records()
    assert (record["level"], record["logger"], record["message"]) == ("INFO", "app", "m")
    assert [record[f"fields.{name}"] for name in ("level", "logger", "message")] == ["odd", "mine", "x"]
    assert (record["msg"], record["name"]) == ("y", "n")


@pytest.mark.parametrize("renderer", ["JSONRenderer", "KeyValueRenderer"])
def test_the_text_of_a_renderer_is_the_message(renderer: str, configured: Any, records: Records) -> None:
    """If there is one all the same."""
    configured(getattr(structlog.processors, renderer)())
    structlog.get_logger("app").info("100% m", order_id=7)
    assert "order_id" in records()[0]["message"]
    assert records()[0]["message"].count("100% m") == 1


def test_bytes_of_a_renderer_are_a_message(configured: Any, records: Records) -> None:
    """Faster serialisers make them."""
    configured(lambda logger, method, event: event["event"].encode() + b"\xff")
    structlog.get_logger("app").info("grün")
    assert records()[0]["message"] == "grün\\xff"


def test_keywords_for_logging_are_understood(configured: Any, records: Records) -> None:
    """As `render_to_log_kwargs` makes them."""
    configured(structlog.stdlib.render_to_log_kwargs)
    structlog.get_logger("app").info("m", order_id=7)
    assert (records()[0]["message"], records()[0]["order_id"]) == ("m", 7)


def test_percent_signs_are_left_alone(records: Records) -> None:
    """Only positional arguments are merged."""
    log = structlog.get_logger("app")
    log.info("100%", order_id=7)
    log.info("100%% of %s", "all")
    assert [record["message"] for record in records()] == ["100%", "100% of all"]


def test_levels_of_logging_decide(records: Records) -> None:
    """That of the logger of the same name, as it is at the call; structlog may ask for it."""
    log = structlog.get_logger("app.sub")
    logging.getLogger("app").setLevel(logging.ERROR)
    log.info("1")
    log.error("2")
    logging.getLogger("app").setLevel(logging.NOTSET)
    log.info("3")
    logging.getLogger("app.sub").disabled = True
    log.error("4")
    assert [record["message"] for record in records()] == ["2", "3"]


def test_the_wrapped_logger_is_one_of_logging_to_those_who_ask(configured: Any) -> None:
    """Name, level and handlers."""
    configured(wrapper_class=structlog.stdlib.BoundLogger)
    log = structlog.get_logger("app").bind()
    log.setLevel(logging.ERROR)
    assert (log.name, log.level, log.isEnabledFor(logging.INFO)) == ("app", logging.ERROR, False)
    with pytest.raises(AttributeError):
        EventLogger("app").no_such_method


def test_handlers_of_logging_see_the_records(records: Records) -> None:
    """As those of `get_logger`: the files have each once."""
    seen: list[Any] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    logging.getLogger("app").addHandler(Collector())
    structlog.get_logger("app").info("m", order_id=7)
    assert [(record.getMessage(), record.order_id, record.funcName) for record in seen] == [
        ("m", 7, "test_handlers_of_logging_see_the_records")
    ]
    assert len(records()) == 1


def test_an_event_without_a_message_is_a_record(records: Records) -> None:
    """Its fields are what it says."""
    structlog.get_logger("app").info(None, order_id=7)
    assert records()[0]["order_id"] == 7


def test_loggers_may_be_pickled() -> None:
    """As structlog's are."""
    log = pickle.loads(pickle.dumps(EventLogger("app")))
    assert (log.name, repr(log)) == ("app", "<EventLogger 'app'>")


def test_interleaved_requests_keep_their_own(records: Records) -> None:
    """No record has the ids of another task."""

    async def request(number: int) -> None:
        with LoggingContext(trace_id=f"trace-{number}"):
            structlog.contextvars.bind_contextvars(number=number)
            for _ in range(5):
                structlog.get_logger("app").info("m")
                await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(request(number) for number in range(200)))

    accepted = get_stats()["accepted"]
    asyncio.run(main())
    found = records()
    assert get_stats()["accepted"] - accepted == len(found) == 1000
    assert all(record["trace_id"] == f"trace-{record['number']}" for record in found)


def test_without_structlog_the_import_says_what_to_install(run_python: Run) -> None:
    """The extra is named."""
    code = """
import sys
sys.modules["structlog"] = None
try:
    import unified_logger.integrations.structlog
except ImportError as error:
    print(error)
"""
    assert "install unified_logger[structlog]" in run_python(code).stdout
