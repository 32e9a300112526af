"""The context of a request: inherited, restored, and never anyone else's."""

from __future__ import annotations

import asyncio
import contextvars
import re
import threading

import pytest
from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger, get_logger


def test_without_a_context_there_are_no_ids(logger: UnifiedLogger, records: Records) -> None:
    """Neither key is in the record."""
    logger.info("plain")
    assert not {"trace_id", "span_id"} & set(records()[0])


def test_a_new_context_has_w3c_ids(logger: UnifiedLogger) -> None:
    """32 and 16 hexadecimal digits."""
    with LoggingContext():
        context = logger.get_trace_context()
    assert re.fullmatch("[0-9a-f]{32}", context["trace_id"])
    assert re.fullmatch("[0-9a-f]{16}", context["span_id"])


def test_nested_contexts_inherit(logger: UnifiedLogger, records: Records) -> None:
    """The trace stays, the span is a child's, outer fields are kept and may be overridden."""
    with LoggingContext(trace_id="t", span_id="s", tenant="a", user=1):
        with LoggingContext(user=2):
            logger.info("inner")
        logger.info("outer")
    inner, outer = records()
    assert (inner["trace_id"], inner["tenant"], inner["user"]) == ("t", "a", 2)
    assert inner["span_id"] != "s"
    assert (outer["span_id"], outer["user"]) == ("s", 1)


def test_leaving_by_an_exception_restores(logger: UnifiedLogger) -> None:
    """What was before comes back."""
    with LoggingContext(trace_id="outer"):
        with pytest.raises(ValueError, match="x"), LoggingContext(trace_id="inner"):
            raise ValueError("x")
        assert logger.get_trace_context()["trace_id"] == "outer"
    assert logger.get_trace_context() == {}


def test_leaving_out_of_order_restores(logger: UnifiedLogger) -> None:
    """The outer one first: the inner stays until it is left too, then nothing does."""
    outer, inner = LoggingContext(trace_id="outer"), LoggingContext(trace_id="inner")
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    assert logger.get_trace_context()["trace_id"] == "inner"
    inner.__exit__(None, None, None)
    assert logger.get_trace_context() == {}


def test_a_field_may_have_any_name(logger: UnifiedLogger) -> None:
    """Also that of a parameter of Python's."""
    with LoggingContext(**{"self": 1, "a.b": 2, "fields": 3}):
        logger.set_trace_context(self=4)
        context = logger.get_trace_context()
    assert (context["self"], context["a.b"], context["fields"]) == (4, 2, 3)


def test_one_object_can_be_entered_again(logger: UnifiedLogger) -> None:
    """Inside itself, too."""
    context = LoggingContext(trace_id="t")
    with context:
        with context:
            assert logger.get_trace_context()["trace_id"] == "t"
        assert logger.get_trace_context()["trace_id"] == "t"
    assert logger.get_trace_context() == {}


def test_setting_inside_a_scope_adds_to_it(logger: UnifiedLogger, records: Records) -> None:
    """Fields are added, given ids replace, and leaving forgets both."""
    with LoggingContext(trace_id="t", a=1):
        logger.set_trace_context(b=2)
        logger.info("added")
        logger.set_trace_context(trace_id="other")
        logger.info("replaced")
        logger.clear_trace_context()
        logger.info("cleared")
    added, replaced, cleared = records()
    assert (added["trace_id"], added["a"], added["b"]) == ("t", 1, 2)
    assert (replaced["trace_id"], replaced["b"]) == ("other", 2)
    assert (cleared["trace_id"], "b" in cleared) == ("t", False)
    assert logger.get_trace_context() == {}


def test_setting_outside_a_scope_begins_a_new_trace(logger: UnifiedLogger) -> None:
    """A request without a header on a reused thread never carries the id, or the fields, of the one before."""
    logger.set_trace_context(trace_id="first", user=1)
    logger.set_trace_context()
    context = logger.get_trace_context()
    assert context["trace_id"] != "first"
    assert "user" not in context


def test_given_ids_are_kept_verbatim(logger: UnifiedLogger, records: Records) -> None:
    """Whatever a client sends."""
    for given in ("abc-123-xyz", "ü 你好", 'q"\n', "x" * 300):
        logger.set_trace_context(trace_id=given)
        logger.info("m")
    assert [record["trace_id"] for record in records()] == ["abc-123-xyz", "ü 你好", 'q"\n', "x" * 300]


def test_a_calls_field_wins_over_the_contexts(logger: UnifiedLogger, records: Records) -> None:
    """And the key appears once."""
    with LoggingContext(user="context", tenant=7):
        logger.info("m", user="call")
    record = records()[0]
    assert (record["user"], record["tenant"]) == ("call", 7)
    assert list(record)[-2:] == ["tenant", "user"]


def test_reserved_names_in_a_context_move_aside(logger: UnifiedLogger, records: Records) -> None:
    """As a call's do."""
    with LoggingContext(logger=1, message="m"):
        logger.info("said")
    record = records()[0]
    assert (record["logger"], record["fields.logger"], record["fields.message"]) == ("app", 1, "m")


def test_a_mutable_field_shows_its_value_when_it_was_set(logger: UnifiedLogger, records: Records) -> None:
    """Contexts are captured once."""
    roles = ["reader"]
    with LoggingContext(roles=roles):
        roles.append("writer")
        logger.info("m")
    assert records()[0]["roles"] == ["reader"]


def test_threads_have_contexts_of_their_own(logger: UnifiedLogger, records: Records) -> None:
    """One thread's is not another's, and a new thread begins without any."""
    with LoggingContext(trace_id="main"):
        thread = threading.Thread(target=lambda: logger.info("other"))
        thread.start()
        thread.join()
        copied = contextvars.copy_context()
        thread = threading.Thread(target=lambda: copied.run(logger.info, "copied"))
        thread.start()
        thread.join()
    other, copied_record = records()
    assert "trace_id" not in other
    assert copied_record["trace_id"] == "main"


def test_tasks_have_contexts_of_their_own(logger: UnifiedLogger, records: Records) -> None:
    """Concurrent tasks keep their ids; what a task sets does not leak out of it."""

    async def work(name: str) -> None:
        async with LoggingContext(trace_id=name):
            for _ in range(3):
                logger.info(name)
                await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(work(f"task-{number}") for number in range(10)))
        logger.info("after")

    asyncio.run(main())
    *inside, after = records()
    assert len(inside) == 30
    assert all(record["trace_id"] == record["message"] for record in inside)
    assert "trace_id" not in after


def test_functions_can_be_decorated(logger: UnifiedLogger, records: Records) -> None:
    """Each call has a span of its own; names and results are kept."""

    @LoggingContext(job="nightly")
    def work(value: int) -> int:
        """Doc."""
        logger.info("in work")
        return value * 2

    @LoggingContext(job="async")
    async def work_async() -> str:
        await asyncio.sleep(0)
        logger.info("in async work")
        return "done"

    assert (work(1), work(2), work.__name__, work.__doc__) == (2, 4, "work", "Doc.")
    assert asyncio.run(work_async()) == "done"
    first, second, third = records()
    assert (first["job"], third["job"]) == ("nightly", "async")
    assert first["trace_id"] != second["trace_id"]
    assert first["function"] == "work"


def test_the_context_is_that_of_all_loggers(logger: UnifiedLogger, records: Records) -> None:
    """Ours by other names, and those of `logging`."""
    import logging

    logger.set_trace_context(trace_id="t", tenant=3)
    get_logger("another").info("ours")
    logging.getLogger("theirs").warning("theirs")
    logger.clear_trace_context()
    assert [(record["trace_id"], record["tenant"]) for record in records()] == [("t", 3)] * 2


def test_ids_as_fields_do_not_replace_those_of_the_context(logger: UnifiedLogger, records: Records) -> None:
    """`trace_id=` of a call is a field that moves aside."""
    with LoggingContext(trace_id="t"):
        logger.info("m", trace_id="field")
    record = records()[0]
    assert (record["trace_id"], record["fields.trace_id"]) == ("t", "field")
