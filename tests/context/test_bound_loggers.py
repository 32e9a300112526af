"""Loggers with fields of their own: `bind` and `unbind`."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger, get_logger, mark_wrapper, shutdown_logging
from unified_logger.testing import capture_logs

OWN = "timestamp level logger message module function line thread process trace_id span_id".split()


def fields(record: dict[str, Any]) -> dict[str, Any]:
    """The fields of a record, in their order."""
    return {name: value for name, value in record.items() if name not in OWN}


def test_every_record_has_the_bound_fields(logger: UnifiedLogger, records: Records) -> None:
    """Whatever the method, before the call's own fields."""
    bound = logger.bind(tenant=1, region="eu")
    bound.debug("below the level")
    bound.info("info", step=1)
    bound.warning("w")
    bound.error("e")
    bound.critical("c")
    bound.log(logging.INFO, "by number")
    bound.log("INFO", "by name", step=2)
    bound.info("a mapping", extra={"more": 1})
    bound.info("%s and %d", "text", 7)
    found = records()
    assert len(found) == 8
    assert all(list(fields(record).items())[:2] == [("tenant", 1), ("region", "eu")] for record in found)
    assert fields(found[0]) == {"tenant": 1, "region": "eu", "step": 1}
    assert fields(found[6]) == {"tenant": 1, "region": "eu", "more": 1}
    assert found[7]["message"] == "text and 7"
    assert {record["logger"] for record in found} == {"app"}
    assert found[0]["function"] == "test_every_record_has_the_bound_fields"


def test_binding_makes_another_logger(logger: UnifiedLogger, records: Records) -> None:
    """The one it is made of stays as it is, and so do others made of it."""
    first = logger.bind(a=1)
    second = first.bind(b=2)
    third = first.bind(a=3)
    for each in (logger, first, second, third):
        each.info("m")
    assert [fields(record) for record in records()] == [{}, {"a": 1}, {"a": 1, "b": 2}, {"a": 3}]
    assert get_logger("app") is logger
    assert (logger.bound_fields, second.bound_fields) == ({}, {"a": 1, "b": 2})


def test_bound_fields_cannot_be_changed_from_outside(logger: UnifiedLogger, records: Records) -> None:
    """Values are captured when they are bound, and what is looked at is a copy."""
    roles = ["reader"]
    bound = logger.bind(roles=roles)
    roles.append("writer")
    bound.bound_fields["other"] = 1
    bound.info("m")
    assert fields(records()[0]) == {"roles": ["reader"]}
    with pytest.raises(AttributeError):
        bound.bound_fields = {}  # type: ignore[misc]


def test_values_are_captured_once(logger: UnifiedLogger, records: Records) -> None:
    """Their `repr` is not asked again at each call."""
    asked: list[int] = []

    class Value:
        def __repr__(self) -> str:
            asked.append(1)
            return "<value>"

    bound = logger.bind(value=Value())
    for _ in range(3):
        bound.info("m")
    assert [record["value"] for record in records()] == ["<value>"] * 3
    assert len(asked) == 1


def test_fields_can_be_left_out_again(logger: UnifiedLogger, records: Records) -> None:
    """Some by name, or all; without any left it is the logger of the name."""
    bound = logger.bind(a=1, b=2, c=3)
    bound.unbind("a", "missing").info("m")
    assert fields(records()[0]) == {"b": 2, "c": 3}
    assert bound.unbind() is logger
    assert bound.unbind("a", "b", "c") is logger
    assert logger.unbind() is logger
    assert logger.unbind("a") is logger
    assert get_logger().bind(a=1).unbind() is get_logger()


def test_the_nearest_field_wins(logger: UnifiedLogger, records: Records) -> None:
    """The call's over the bound one, and that over the context's; no name is there twice."""
    bound = logger.bind(a="bound", b="bound", c="bound")
    with LoggingContext(a="context", b="context", d="context"):
        bound.info("m", a="call", e="call")
        logger.info("m", a="call")
    bound.info("m")
    first, second, third = records()
    assert fields(first) == {"d": "context", "b": "bound", "c": "bound", "a": "call", "e": "call"}
    assert list(fields(first)) == ["d", "b", "c", "a", "e"]
    assert fields(second) == {"b": "context", "d": "context", "a": "call"}
    assert fields(third) == {"a": "bound", "b": "bound", "c": "bound"}


def test_ids_are_those_of_the_context(logger: UnifiedLogger, records: Records) -> None:
    """Also when it changes between two calls, and for a bound field of that name, which moves aside."""
    bound = logger.bind(trace_id="field", a=1)
    bound.info("m")
    for trace_id in ("first", "second", "first"):
        with LoggingContext(trace_id=trace_id, span_id="s"):
            bound.info("m")
    without, *inside = records()
    assert "trace_id" not in without
    assert [(record["trace_id"], record["span_id"]) for record in inside] == [
        ("first", "s"),
        ("second", "s"),
        ("first", "s"),
    ]
    assert all(record["fields.trace_id"] == "field" for record in (without, *inside))


def test_the_level_is_that_of_the_name(logger: UnifiedLogger, records: Records) -> None:
    """Set through any of them, before or after binding, or by a parent."""
    bound = logger.bind(a=1)
    assert bound.logger is logger.logger
    bound.debug("no")
    logger.logger.setLevel(logging.DEBUG)
    bound.debug("yes")
    bound.logger.setLevel(logging.ERROR)
    logger.warning("no")
    bound.warning("no")
    logger.logger.setLevel(logging.NOTSET)
    logging.getLogger().setLevel(logging.WARNING)
    bound.info("no")
    bound.warning("yes")
    logging.disable(logging.CRITICAL)
    bound.critical("no")
    logging.disable(logging.NOTSET)
    bound.log(35, "yes")
    assert [record["message"] for record in records()] == ["yes"] * 3


def test_exceptions_go_along(logger: UnifiedLogger, records: Records) -> None:
    """As from any logger."""
    bound = logger.bind(a=1)
    try:
        raise ValueError("broken")
    except ValueError as error:
        bound.exception("caught", b=2)
        bound.error("given", exc_info=error)
        bound.warning("true", exc_info=True, stack_info=True)
    found = records()
    assert {record["exception"]["message"] for record in found} == {"broken"}
    assert all(record["a"] == 1 for record in found)
    assert "stack" in found[2]


def test_wrappers_and_stack_levels_are_honoured(logger: UnifiedLogger, records: Records) -> None:
    """Records name the caller that is meant."""
    bound = logger.bind(a=1)

    @mark_wrapper
    def wrapper() -> None:
        bound.info("m")

    def helper() -> None:
        bound.info("m", stacklevel=2)

    wrapper()
    helper()
    assert {record["function"] for record in records()} == {"test_wrappers_and_stack_levels_are_honoured"}


def test_answers_of_models_have_them(logger: UnifiedLogger, records: Records) -> None:
    """In both files; a field of that kind sends every record there."""
    logger.bind(tenant=1).ai("answered", model="m", prompt_tokens=3)
    logger.bind(**{"gen_ai.agent": "a"}).info("of an agent")
    first, second = records("ai_responses.log")
    assert fields(first) == {"tenant": 1, "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 3}
    assert fields(second) == {"gen_ai.agent": "a"}
    assert len(records()) == 2


class Handler(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def test_handlers_of_others_see_them(logger: UnifiedLogger, records: Records) -> None:
    """As attributes, the nearest one of each name; our files have the same as without the handler."""
    handler = Handler()
    bound = logger.bind(a="bound", b="bound", message="bound")
    with LoggingContext(trace_id="t", span_id="s", b="context", c="context"):
        bound.info("m", a="call")
        logger.logger.addHandler(handler)
        bound.info("m", a="call")
        bound.ai("m", model="x")
    seen = vars(handler.records[0])
    assert (seen["a"], seen["b"], seen["c"], seen["trace_id"]) == ("call", "bound", "context", "t")
    assert seen["fields.message"] == "bound"
    alone, beside, ai = records()
    alike = [
        {name: value for name, value in record.items() if name not in ("timestamp", "line")}
        for record in (alone, beside)
    ]
    assert [list(record.items()) for record in alike[:1]] == [list(record.items()) for record in alike[1:]]
    assert fields(beside) == {"c": "context", "b": "bound", "fields.message": "bound", "a": "call"}
    assert ai["b"] == "bound"
    assert records("ai_responses.log") == [ai]


def test_filters_of_others_are_asked(logger: UnifiedLogger, records: Records) -> None:
    """A filter on the logger of the name decides for bound ones too."""
    bound = logger.bind(a=1)
    logger.logger.addFilter(lambda record: record.getMessage() != "no")
    bound.info("no")
    bound.info("yes")
    assert [record["message"] for record in records()] == ["yes"]


def test_captured_logs_have_them(logger: UnifiedLogger) -> None:
    """For users' own tests."""
    with capture_logs() as captured:
        logger.bind(a=1).info("m", b=2)
    assert [fields(record) for record in captured] == [{"a": 1, "b": 2}]


def test_without_the_engine_it_is_the_same(
    start: Callable[..., Any], log_dir: Path, monkeypatch: pytest.MonkeyPatch, records: Records
) -> None:
    """`USE_UNIFIED_LOGGING=false`: the same fields in the same order, also of records for `ai_responses.log`."""
    found = []
    for use in ("true", "false"):
        monkeypatch.setenv("USE_UNIFIED_LOGGING", use)
        start(log_dir=str(log_dir / use), console_format="off")
        bound = get_logger("app").bind(a="bound", b="bound", level="bound")
        with LoggingContext(trace_id="t", span_id="s", b="context", c="context"):
            bound.info("m", a="call", d=1)
            bound.ai("answer", model="x")
            bound.unbind("a").bind(e=5).warning("w")
        found.append((records(f"{use}/app.log"), records(f"{use}/ai_responses.log")))
        shutdown_logging()

    def steady(of_both: tuple[list[dict[str, Any]], ...]) -> list[list[Any]]:
        return [[list(fields(record).items()) for record in of_one] for of_one in of_both]

    assert steady(found[0]) == steady(found[1])
    assert [len(of_one) for of_one in found[1]] == [3, 1]
    assert fields(found[1][0][0]) == {"c": "context", "b": "bound", "fields.level": "bound", "a": "call", "d": 1}


def test_a_logger_may_be_bound_before_the_start(run_python: Callable[..., Any], records: Records, logger: Any) -> None:
    """What it logged by then is delivered with its fields."""
    run_python(
        "from unified_logger import get_logger, init_logging\n"
        "bound = get_logger('early').bind(a=1)\n"
        "bound.info('before')\n"
        "init_logging(log_dir='logs', console_format='off')\n"
        "bound.info('after')\n"
    )
    assert [(record["message"], record["a"]) for record in records()] == [("before", 1), ("after", 1)]


def test_any_name_and_value_can_be_bound(logger: UnifiedLogger, records: Records) -> None:
    """Names with dots, reserved names, values that break."""

    class Breaks:
        def __repr__(self) -> str:
            raise ValueError("broken")

    logger.bind(**{"a.b": 1, "": 2, "level": 3, "self": 4, "name": 5, "\ud800": 6}, breaks=Breaks()).info("m")
    (record,) = records()
    assert (record["a.b"], record[""], record["fields.level"], record["self"], record["name"]) == (1, 2, 3, 4, 5)
    assert "$error" in record["breaks"]
    with pytest.raises(TypeError):
        logger.bind("positional")  # type: ignore[call-arg]


def test_each_thread_sees_its_own_context(logger: UnifiedLogger, records: Records) -> None:
    """One bound logger, used by many at once."""
    bound = logger.bind(a=1)

    def work(name: str) -> None:
        for _ in range(200):
            with LoggingContext(trace_id=name, who=name):
                bound.info(name)

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = records()
    assert len(found) == 800
    assert all(record["trace_id"] == record["message"] == record["who"] and record["a"] == 1 for record in found)


def test_a_bound_logger_is_let_go() -> None:
    """Nothing keeps those that are made for each request, nor what they are bound to."""

    class Value:
        pass

    value = Value()
    gone = weakref.ref(value)
    bound = get_logger("app").bind(value=value)
    with LoggingContext(trace_id="t"):
        bound.info("m")
    del bound, value
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("in_context", [False, True])
def test_an_object_with_a_logger_bound_to_it_is_not_kept(logger: UnifiedLogger, in_context: bool) -> None:
    """Each holds the other, and the collector finds both; seen to stay for ever."""

    class Worker:
        def __init__(self) -> None:
            self.log = logger.bind(worker=self)

        def work(self) -> None:
            self.log.info("m")
            self.log.bind(step=1).info("m")

    gone = weakref.ref(worker := Worker())
    if in_context:
        with LoggingContext(trace_id="t", worker=worker):
            worker.work()
        logger.info("no longer in it")
    else:
        worker.work()
    del worker
    gc.collect()
    assert gone() is None


def test_it_is_a_unified_logger(logger: UnifiedLogger) -> None:
    """For whoever asks."""
    bound = logger.bind(a=1)
    assert isinstance(bound, UnifiedLogger)
    assert bound.name == "app"
    assert "app" in repr(bound)
