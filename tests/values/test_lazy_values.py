"""A value that is given as `lazy` is worked out once, by the thread that logs, and only if there is a record."""

from __future__ import annotations

import io
import logging
import pickle
import threading
from dataclasses import dataclass
from typing import Any

import pytest
from kinds import Records, Start

from unified_logger import UnifiedLogger, get_logger, lazy


@dataclass
class State:
    """A value with a form of its own."""

    items: list[int]


class Costly:
    """Counts how often it is asked, and by which thread."""

    def __init__(self, value: object = 7) -> None:
        self.value = value
        self.threads: list[str] = []

    def __call__(self) -> Any:
        self.threads.append(threading.current_thread().name)
        return self.value


@pytest.mark.parametrize("value", [7, "text", None, [1, {"a": 2}], {"a": None}, 1.5, True])
def test_a_field_has_the_value(logger: UnifiedLogger, records: Records, value: object) -> None:
    """Whatever type it has, at every call of a call site."""
    for _ in range(3):
        logger.info("m", dump=lazy(Costly(value)))
    assert [record["dump"] for record in records()] == [value] * 3


def test_a_value_with_a_form_of_its_own_keeps_it(logger: UnifiedLogger, records: Records) -> None:
    """Inside containers, too."""
    logger.info("m", dump=lazy(lambda: State([1])), more=[lazy(State, [2]), {"a": lazy(State, items=[3])}])
    [record] = records()
    assert record["dump"] == {"items": [1]}
    assert record["more"] == [{"items": [2]}, {"a": {"items": [3]}}]


def test_it_is_a_message_and_an_argument(logger: UnifiedLogger, records: Records) -> None:
    """Of both styles, with formats and with parts of the value."""
    logger.info(lazy(Costly("message")))
    logger.info("%s %d %r %.1f %x", *(lazy(Costly(value)) for value in ("a", 1, "b", 2.0, 255)))
    braces = get_logger("app", style="{")
    braces.info(
        "{} {n:>3} {state.items} {state.items[0]} {pair[k]!r}",
        lazy(Costly("a")),
        n=lazy(Costly(1)),
        state=lazy(State, [5]),
        pair=lazy(dict, k="v"),
    )
    assert [record["message"] for record in records()] == ["message", "a 1 'b' 2.0 ff", "a   1 [5] 5 'v'"]


def test_it_is_asked_once(logger: UnifiedLogger, records: Records) -> None:
    """By the thread that logs, also if it is merged and kept, and for listeners."""
    logging.getLogger("app").addHandler(logging.StreamHandler(io.StringIO()))
    for name in ("app", "free"):
        costly = Costly()
        get_logger(name, style="{").info("{dump} {dump}", dump=lazy(costly))
        assert costly.threads == [threading.current_thread().name]
    found = records()
    assert [(record["message"], record["dump"]) for record in found] == [("7 7", 7)] * 2


def test_without_a_record_it_is_not_asked(start: Start, records: Records) -> None:
    """Below the level of its logger, of either kind."""
    start(log_level="INFO")
    costly = Costly()
    logger, theirs = get_logger("app"), logging.getLogger("theirs")
    for log in (logger.debug, theirs.debug, logger.bind(a=1).debug, get_logger("app", style="{").debug):
        log("m %s", lazy(costly))
        log(lazy(costly))
    logger.debug("m", dump=lazy(costly))
    logger.log(5, "m", dump=lazy(costly))
    assert costly.threads == []
    assert records() == []


def test_loggers_of_logging_take_it(logger: UnifiedLogger, records: Records) -> None:
    """As an argument, as the message and in `extra`."""
    theirs = logging.getLogger("theirs")
    theirs.warning("m %s", lazy(Costly()), extra={"dump": lazy(Costly([1]))})
    theirs.warning(lazy(Costly("text")))
    found = records()
    assert [(record["message"], record.get("dump")) for record in found] == [("m 7", [1]), ("text", None)]


def test_a_function_that_raises_is_described(logger: UnifiedLogger, records: Records) -> None:
    """The record is written, and nothing is raised. What is for the program is raised after the record."""
    failing = lazy(lambda: 1 / 0)
    logger.info("m", dump=failing)
    logger.info("m %s %r", failing, lazy(lambda: 1 / 0))
    logger.info(lazy(lambda: 1 / 0))
    with pytest.raises(KeyboardInterrupt):
        logger.info("interrupted", dump=lazy(_interrupt))
    text = "<lazy value failed: ZeroDivisionError: division by zero>"
    found = records()
    assert found[0]["dump"]["$error"] == "ZeroDivisionError: division by zero"
    assert found[1]["message"] == f"m {text} {text!r}"
    assert found[2]["message"] == text
    assert found[3]["message"] == "interrupted"


def _interrupt() -> None:
    raise KeyboardInterrupt


def test_a_function_that_logs_its_own_value_comes_to_an_end(logger: UnifiedLogger, records: Records) -> None:
    """Inside, the value is not known yet."""

    def dump() -> str:
        logger.info("inside", dump=value)
        return "done"

    value = lazy(dump)
    logger.info("outside", dump=value)
    found = {record["message"]: record["dump"] for record in records()}
    assert found == {"inside": "<lazy value is being worked out>", "outside": "done"}


def test_bound_fields_are_worked_out_when_they_are_bound(logger: UnifiedLogger, records: Records) -> None:
    """As all bound values are captured then."""
    costly = Costly()
    bound = logger.bind(dump=lazy(costly))
    assert len(costly.threads) == 1
    bound.info("a")
    bound.info("b")
    assert [record["dump"] for record in records()] == [7, 7]
    assert len(costly.threads) == 1


def test_another_process_gets_the_value() -> None:
    """The function could seldom be sent."""
    assert pickle.loads(pickle.dumps(lazy(lambda: [1]))) == [1]


def test_it_shows_what_it_stands_for_and_nothing_else() -> None:
    """It is neither a mapping nor a sequence for code that asks."""
    value: Any = lazy(dict, a=1)
    assert (str(value), repr(value), f"{value}") == ("{'a': 1}",) * 3
    assert (value["a"], list(value.keys())) == (1, ["a"])
    with pytest.raises(TypeError):
        iter(value)
    with pytest.raises(AttributeError):
        value._private
