"""Spans log their start and their end, with duration and outcome, in a trace that links them."""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger, get_logger, span, traced
from unified_logger.context import get_trace_context


def test_start_and_end_are_logged(logger: UnifiedLogger, records: Records) -> None:
    """By the logger named as the module, in a new trace, with the fields of both."""
    with span("charge", order=7):
        logger.info("inside")
    started, inside, ended = records()
    assert (started["message"], started["span"], started["order"]) == ("span started", "charge", 7)
    assert (ended["message"], ended["span"], ended["order"], ended["outcome"]) == ("span ended", "charge", 7, "ok")
    assert (started["level"], started["logger"]) == ("INFO", __name__)
    assert len(started["trace_id"]) == 32
    assert {(record["trace_id"], record["span_id"]) for record in (started, inside, ended)} == {
        (started["trace_id"], started["span_id"])
    }
    assert inside["order"] == 7
    assert ended["duration_ms"] > 0
    assert "duration_ms" not in started
    assert not {"parent_span_id", "error"} & {*started, *ended}
    assert get_trace_context() == {}


def test_spans_are_linked(logger: UnifiedLogger, records: Records) -> None:
    """Each has the span around it as its parent, whichever way that was made."""
    with LoggingContext(trace_id="t", span_id="s", tenant=1):
        with span("outer", logger="app"):
            with LoggingContext():
                with span("inner", logger="app"):
                    pass
            between = get_trace_context()["span_id"]
    outer, inner, inner_end, outer_end = records()
    assert {record["trace_id"] for record in (outer, inner, inner_end, outer_end)} == {"t"}
    assert (outer["parent_span_id"], outer_end["parent_span_id"]) == ("s", "s")
    assert inner["parent_span_id"] == inner_end["parent_span_id"]
    assert inner["parent_span_id"] not in ("s", outer["span_id"])
    assert between == outer["span_id"] == outer_end["span_id"]
    assert inner_end["tenant"] == 1


def test_records_inside_have_no_more_than_the_fields(logger: UnifiedLogger, records: Records) -> None:
    """Name, parent and duration are of the span's own records."""
    with LoggingContext(trace_id="t", span_id="s"), span("work"):
        logger.info("inside", logger="field")
    inside = records()[1]
    assert not {"span", "parent_span_id", "duration_ms"} & set(inside)


def test_records_name_who_makes_the_span(logger: UnifiedLogger, records: Records) -> None:
    """Module, function and line of the `with`, or of the call of a decorated function."""

    @traced
    def work() -> None:
        pass

    async def in_a_task() -> None:
        async with span("async"):
            pass

    with span("with"):
        line = sys._getframe().f_lineno - 1
    work()
    asyncio.run(in_a_task())
    found = records()
    here = "test_records_name_who_makes_the_span"
    assert [record["function"] for record in found] == [here] * 4 + ["in_a_task"] * 2
    assert found[0]["line"] == line
    assert {record["module"] for record in found} == {Path(__file__).stem}


@pytest.mark.parametrize(
    ("error", "outcome", "text"),
    [
        (ValueError("broken"), "error", "ValueError: broken"),
        (ValueError(), "error", "ValueError"),
        (KeyError("k"), "error", "KeyError: 'k'"),
        (KeyboardInterrupt(), "error", "KeyboardInterrupt"),
        (SystemExit(3), "error", "SystemExit: 3"),
        (asyncio.CancelledError(), "cancelled", None),
        (GeneratorExit(), "cancelled", None),
    ],
)
def test_an_exception_is_told_and_passed_on(
    logger: UnifiedLogger, records: Records, error: BaseException, outcome: str, text: str | None
) -> None:
    """At the span's own level and without its traceback: whoever handles it logs that."""
    with pytest.raises(type(error)) as caught, span("work"):
        raise error
    assert caught.value is error
    ended = records()[1]
    assert (ended["outcome"], ended.get("error"), ended["level"]) == (outcome, text, "INFO")
    assert "exception" not in ended
    assert get_trace_context() == {}


def test_an_exception_that_breaks_costs_nothing(logger: UnifiedLogger, records: Records) -> None:
    """Its kind is told."""

    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    with pytest.raises(Broken), span("work"):
        raise Broken
    assert records()[1]["error"] == "Broken"


@pytest.mark.parametrize("failing", ["span started", "span ended"])
def test_a_filter_that_raises_leaves_no_span_open(logger: UnifiedLogger, failing: str) -> None:
    """What it raises goes to the caller, as from every logging call; the thread goes on without the span."""

    def refuse(record: logging.LogRecord) -> bool:
        if record.msg == failing:
            raise RuntimeError("refused")
        return True

    target = logging.getLogger("refusing")
    target.addFilter(refuse)
    try:
        with pytest.raises(RuntimeError, match="refused"), span("work", logger="refusing"):
            get_logger().set_trace_context("another")
        assert get_trace_context() == {}
    finally:
        target.removeFilter(refuse)


def test_level_and_logger_can_be_chosen(logger: UnifiedLogger, records: Records) -> None:
    """By name, number, or as a logger, whose bound fields come along; below its level nothing is logged and all else works."""
    with span("a", logger=logger.bind(bound=1), level="WARNING"):
        pass
    with span("b", logger="other.name", level=35):
        pass
    with span("c", logger="other.name", level="debug", field=1):
        assert get_trace_context()["field"] == 1
        logger.info("inside")
    found = records()
    assert [(record["logger"], record.get("bound")) for record in found[:4]] == [("app", 1)] * 2 + [
        ("other.name", None)
    ] * 2
    assert [record["level"] for record in found[:4]] == ["WARNING", "WARNING", "Level 35", "Level 35"]
    assert [record["message"] for record in found[4:]] == ["inside"]


@pytest.mark.parametrize("level", ["LOUD", -1, None, True])
def test_a_wrong_level_is_named_at_once(level: Any) -> None:
    """When the span is made, not when it runs."""
    with pytest.raises(ValueError, match="must be"):
        span("work", level=level)
    with pytest.raises(ValueError, match="must be"):
        traced(level=level)(len)


def test_any_field_can_be_given(logger: UnifiedLogger, records: Records) -> None:
    """Also those that are called like the span's own; the span's own are kept."""
    with span("work", name="n", span="field", self="s"):
        pass
    started, ended = records()
    assert (started["name"], started["self"], started["span"]) == ("n", "s", "work")
    assert (ended["span"], ended["outcome"]) == ("work", "ok")


def test_one_span_can_be_entered_again(logger: UnifiedLogger, records: Records) -> None:
    """Inside itself, and by several tasks at once: each entering is a span of its own."""
    work = span("work", logger="app")
    with work:
        with work:
            pass

    async def task() -> None:
        async with work:
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(task() for _ in range(20)))

    asyncio.run(main())
    found = records()
    assert len(found) == 44
    ids = [record["span_id"] for record in found]
    assert len(set(ids)) == 22
    assert all(ids.count(each) == 2 for each in ids)
    outer, inner, inner_end, outer_end = found[:4]
    assert inner["parent_span_id"] == inner_end["parent_span_id"] == outer["span_id"]
    assert outer_end["span_id"] == outer["span_id"]


def test_spans_left_out_of_order_end_each_once(logger: UnifiedLogger, records: Records) -> None:
    """The outer one first; nothing is current after both, and a second leaving is harmless."""
    outer, inner = span("outer", logger="app"), span("inner", logger="app")
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    inner.__exit__(None, None, None)
    inner.__exit__(None, None, None)
    assert get_trace_context() == {}
    found = records()
    assert [(record["span"], record["message"]) for record in found] == [
        ("outer", "span started"),
        ("inner", "span started"),
        ("outer", "span ended"),
        ("inner", "span ended"),
    ]
    # A record is of the span it tells of, whatever is current.
    assert found[2]["span_id"] == found[0]["span_id"]
    assert found[3]["span_id"] == found[1]["span_id"]


def test_the_end_is_of_the_span_whatever_was_set_inside(logger: UnifiedLogger, records: Records) -> None:
    """Fields that were set inside are told at its end; another trace that was set is not the span's."""
    with span("fields", logger="app"):
        logger.set_trace_context(found=3)
    with span("trace", logger="app"):
        logger.set_trace_context(trace_id="other")
        logger.info("inside")
    with span("nothing", logger="app"):
        logger.clear_trace_context()
    first, first_end, second, inside, second_end, third, third_end = records()
    assert (first_end["found"], "found" in first) == (3, False)
    assert inside["trace_id"] == "other"
    for started, ended in ((first, first_end), (second, second_end), (third, third_end)):
        assert (ended["trace_id"], ended["span_id"]) == (started["trace_id"], started["span_id"])


def test_functions_of_every_kind_can_be_traced(logger: UnifiedLogger, records: Records) -> None:
    """Each call is a span named as the function; its name, text, signature and result stay."""

    @traced
    def work(value: int, *, double: bool = False) -> int:
        """Doc."""
        return value * 2 if double else value

    @traced()
    async def work_async() -> str:
        await asyncio.sleep(0)
        return "done"

    @traced("named", step=2)
    def fail() -> None:
        raise ValueError("broken")

    class Service:
        @traced
        def method(self) -> str:
            return type(self).__name__

        @staticmethod
        @traced
        def static() -> int:
            return 1

        @classmethod
        @traced
        def of_class(cls) -> str:
            return cls.__name__

    assert (work(2, double=True), asyncio.run(work_async())) == (4, "done")
    assert (Service().method(), Service.static(), Service.of_class()) == ("Service", 1, "Service")
    with pytest.raises(ValueError, match="broken"):
        fail()
    assert (work.__name__, work.__doc__, str(inspect.signature(work))) == (
        "work",
        "Doc.",
        "(value: 'int', *, double: 'bool' = False) -> 'int'",
    )
    assert inspect.iscoroutinefunction(work_async)
    ended = [record for record in records() if record["message"] == "span ended"]
    prefix = "test_functions_of_every_kind_can_be_traced.<locals>."
    assert [record["span"] for record in ended] == [
        *(f"{prefix}{name}" for name in ("work", "work_async", "Service.method", "Service.static", "Service.of_class")),
        "named",
    ]
    assert (ended[-1]["step"], ended[-1]["outcome"], ended[-1]["error"]) == (2, "error", "ValueError: broken")
    assert {record["logger"] for record in ended} == {__name__}


def test_a_traced_function_can_log_to_the_root_logger(logger: UnifiedLogger, records: Records) -> None:
    """By its name, as a span can."""
    traced("work", logger="")(lambda: None)()
    assert {record["logger"] for record in records()} == {"root"}


def test_what_has_no_name_can_be_traced(logger: UnifiedLogger, records: Records) -> None:
    """Such as a `partial`, or an object that can be called: its kind names it."""
    from functools import partial

    class Callable_:
        def __call__(self) -> int:
            return 2

    assert traced(partial(int, "7"), logger="app")() == 7
    assert traced(logger="app")(Callable_())() == 2
    assert [record["span"] for record in records()[1::2]] == ["partial", "Callable_"]


def test_spans_of_pools_are_where_they_are_made(logger: UnifiedLogger, records: Records) -> None:
    """A thread of a pool that ran a span is left without a trace."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(traced("work", logger="app")(lambda: None)).result()
        assert pool.submit(get_trace_context).result() == {}
    assert len(records()) == 2


def test_handlers_of_others_see_spans(logger: UnifiedLogger) -> None:
    """As they see all records."""
    seen: list[logging.LogRecord] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    logger.logger.addHandler(Handler())
    with span("work", logger=logger):
        pass
    assert [record.getMessage() for record in seen] == ["span started", "span ended"]
    assert vars(seen[1])["outcome"] == "ok"
    assert seen[0].funcName == "test_handlers_of_others_see_spans"


def test_without_the_engine_it_is_the_same(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, records: Records
) -> None:
    """`USE_UNIFIED_LOGGING=false`."""
    monkeypatch.setenv("USE_UNIFIED_LOGGING", "false")
    start(console_format="off")
    with LoggingContext(trace_id="t", span_id="s"), span("work", logger=get_logger("app"), order=7):
        pass
    started, ended = records()
    assert (started["trace_id"], started["parent_span_id"], started["order"]) == ("t", "s", 7)
    assert (ended["span_id"], ended["outcome"], ended["span"]) == (started["span_id"], "ok", "work")


def test_nothing_of_spans_is_imported_before_they_are_used(run_python: Callable[..., Any]) -> None:
    """Programs without any do not pay for them."""
    run_python(
        "import sys, unified_logger\n"
        "assert not {'unified_logger.spans', 'unified_logger.context.carrying', 'unified_logger.context.propagation'} & set(sys.modules)\n"
        "unified_logger.span, unified_logger.carry\n"
        "assert {'unified_logger.spans', 'unified_logger.context.carrying'} <= set(sys.modules)\n"
    )
