"""A context variable of another tracing library: the innermost of its contexts and ours is current."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger, _core
from unified_logger.context import foreign, get_trace_context, make

theirs: ContextVar[Any] = ContextVar("theirs", default=None)


def convert(value: Any) -> Any:
    """A context of ours for a pair of ids."""
    return value if not isinstance(value, tuple) else make(value[0], value[1], {})


@contextmanager
def inside(value: Any) -> Iterator[None]:
    """A stretch of code in which theirs is current."""
    token = theirs.set(value)
    try:
        yield
    finally:
        theirs.reset(token)


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    """Theirs has a say in each test, and none after it."""
    _core.set_foreign_context(theirs, convert)
    yield
    _core.set_foreign_context(None)


def here() -> Any:
    """The trace and the span that are current."""
    current = _core.current_context()
    return None if current is None else (current.trace_id, current.span_id)


def test_the_innermost_counts(logger: UnifiedLogger, records: Records) -> None:
    """Theirs inside ours, ours inside theirs, and what was before at each end."""
    seen = [here()]
    with inside(("their-trace", "a")):
        seen.append(here())
        with LoggingContext(trace_id="ours", span_id="s"):
            seen.append(here())
            with inside(("their-trace", "b")):
                seen.append(here())
                logger.info("m")
            seen.append(here())
        seen.append(here())
    seen.append(here())
    assert seen == [
        None,
        ("their-trace", "a"),
        ("ours", "s"),
        ("their-trace", "b"),
        ("ours", "s"),
        ("their-trace", "a"),
        None,
    ]
    assert (records()[0]["trace_id"], records()[0]["span_id"]) == ("their-trace", "b")


def test_fields_of_both_are_on_records(logger: UnifiedLogger, records: Records) -> None:
    """Theirs win over ours of the same name, and a bound one over both."""
    bound = logger.bind(c="bound")
    with LoggingContext(trace_id="ours", a=1, b=1, c=1), inside(make("t", "s", {"b": 2, "c": 2})):
        bound.info("m")
    record = records()[0]
    assert (record["trace_id"], record["a"], record["b"], record["c"]) == ("t", 1, 2, "bound")


@pytest.mark.parametrize("value", [None, "no context", 7, object()])
def test_a_value_without_a_trace_changes_nothing(value: Any) -> None:
    """Ours stays, or none."""
    with inside(value):
        assert here() is None
        with LoggingContext(trace_id="ours", span_id="s"):
            assert here() == ("ours", "s")
    with LoggingContext(trace_id="ours", span_id="s"), inside(value):
        assert here() == ("ours", "s")
        assert foreign() is None


def test_a_conversion_that_raises_costs_no_record(logger: UnifiedLogger, records: Records) -> None:
    """It is as if there was none."""

    def broken(value: Any) -> Any:
        raise ValueError("broken")

    _core.set_foreign_context(theirs, broken)
    with LoggingContext(trace_id="ours"), inside(("t", "s")):
        logger.info("m")
    assert records()[0]["trace_id"] == "ours"


def test_each_value_is_converted_once_while_it_is_current() -> None:
    """Not at each call; many of them in turns give each its own."""
    asked: list[Any] = []

    def counted(value: Any) -> Any:
        asked.append(value)
        return convert(value)

    _core.set_foreign_context(theirs, counted)
    values = [(f"t{number}", "s") for number in range(100)]
    with inside(values[0]):
        for _ in range(10):
            assert here() == values[0]
    assert asked == [values[0]]
    for _ in range(3):
        for value in values:
            with inside(value):
                assert here() == value


def test_what_is_theirs_can_be_told() -> None:
    """Ours, made of theirs, is not theirs any more."""
    with inside(("t", "s")):
        found = foreign()
        assert found is not None
        assert (found.trace_id, found.span_id) == ("t", "s")
        with LoggingContext():
            assert foreign() is None
            assert get_trace_context()["trace_id"] == "t"


def test_contexts_of_their_own_do_not_mix() -> None:
    """Copies of the whole context have what they were copied with."""
    with inside(("t", "s")):
        copied = contextvars.copy_context()
    assert (copied.run(here), here()) == (("t", "s"), None)


@pytest.mark.parametrize("variable", [object(), "name", 7])
def test_only_a_context_variable_is_taken(variable: Any) -> None:
    """What is no variable raises, and the one before stays."""
    with pytest.raises(TypeError, match="ContextVar"):
        _core.set_foreign_context(variable, convert)
    with inside(("t", "s")):
        assert here() == ("t", "s")
