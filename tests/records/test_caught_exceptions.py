"""`catch` logs an exception where it was caught, and ends it there or passes it on."""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import pytest
from kinds import Record, Records

from unified_logger import UnifiedLogger, get_logger, mark_wrapper
from unified_logger.testing import capture_logs

HERE = "test_caught_exceptions"


def line_of(function: Any) -> int:
    """The line of a function's first decorator."""
    line: int = function.__wrapped__.__code__.co_firstlineno
    return line


def place(record: Record) -> tuple[str, str]:
    """Module and function."""
    return record["module"], record["function"]


def test_a_block(logger: UnifiedLogger, records: Records) -> None:
    """It ends, the program goes on, and the record names the `with` line. Without an exception nothing is logged."""
    with logger.catch():
        pass
    line = test_a_block.__code__.co_firstlineno + 5
    with logger.catch(message="mail not sent", level="WARNING"):
        logger.info("before")
        raise ValueError("no server")
    before, record = records()
    assert before["message"] == "before"
    assert (record["message"], record["level"], record["line"]) == ("mail not sent", "WARNING", line)
    assert place(record) == (HERE, "test_a_block")
    assert (record["exception"]["type"], record["exception"]["message"]) == ("ValueError", "no server")
    assert [frame["line"] for frame in record["exception"]["frames"]] == [line + 2]


def test_a_function(logger: UnifiedLogger, records: Records) -> None:
    """The record names its definition, also where a library calls it. Frames begin inside of it."""

    @logger.catch
    def divide(by: int) -> float:
        """The quotient."""
        return 1 / by

    assert (divide(2), divide(0), list(map(divide, [0]))) == (0.5, None, [None])
    assert (divide.__name__, divide.__doc__) == ("divide", "The quotient.")
    found = records()
    assert [(*place(record), record["line"]) for record in found] == [(HERE, "divide", line_of(divide))] * 2
    assert [frame["function"] for frame in found[0]["exception"]["frames"]] == ["divide"]
    assert (found[0]["message"], found[0]["level"]) == ("exception caught", "ERROR")


def test_functions_of_every_kind(logger: UnifiedLogger, records: Records) -> None:
    """Each gives the default, generators at their end."""

    @logger.catch(default="d")
    async def coroutine() -> str:
        await asyncio.sleep(0)
        raise KeyError("c")

    @logger.catch(default="d")
    def generator() -> Iterator[int]:
        yield 1
        raise KeyError("g")

    @logger.catch()
    async def asynchronous() -> AsyncIterator[int]:
        yield 1
        raise KeyError("a")

    def returns() -> Iterator[int]:
        returned.append((yield from generator()))  # type: ignore[func-returns-value]

    async def everything() -> tuple[str, list[int]]:
        return await coroutine(), [item async for item in asynchronous()]

    returned: list[object] = []
    assert asyncio.run(everything()) == ("d", [1])
    assert (list(returns()), returned) == ([1], ["d"])
    names = [place(record)[1] for record in records() if record["level"] == "ERROR"]
    assert names == ["coroutine", "asynchronous", "generator"]


def test_methods_of_every_kind(logger: UnifiedLogger, records: Records) -> None:
    """In either order of the decorators, and below partials."""

    class Shop:
        @logger.catch
        def method(self) -> None:
            raise ValueError

        @classmethod
        @logger.catch
        def of_class(cls) -> None:
            raise ValueError

        @logger.catch
        @staticmethod
        def static() -> None:
            raise ValueError

    def part(number: int) -> None:
        raise ValueError(number)

    Shop().method()
    Shop.of_class()
    Shop.static()
    logger.catch(partial(part, 1))()
    logger.catch(len)(7)  # type: ignore[arg-type]
    assert [place(record)[1] for record in records()] == [
        "method",
        "of_class",
        "static",
        "part",
        "test_methods_of_every_kind",
    ]


def test_methods_give_the_default(logger: UnifiedLogger) -> None:
    """In either order of the decorators."""

    class Shop:
        @logger.catch(default="d")
        @staticmethod
        def static() -> str:
            raise ValueError

        @classmethod
        @logger.catch(default="d")
        def below(cls) -> str:
            raise ValueError

        @logger.catch(default="d")
        @classmethod
        def above(cls) -> str:
            raise ValueError

    assert (Shop.static(), Shop.below(), Shop.above()) == ("d", "d", "d")


def test_a_class_is_refused(logger: UnifiedLogger) -> None:
    """A function in its place could have no subclasses, and exceptions of the methods would pass all the same."""
    decorators: list[Any] = [logger.catch, logger.catch()]
    for decorate in decorators:
        with pytest.raises(TypeError, match=r"decorates functions and methods, not the class .*Order"):

            @decorate
            class Order:
                pass


def test_with_await(logger: UnifiedLogger, records: Records) -> None:
    """As `async with`."""

    async def main() -> None:
        async with logger.catch():
            raise ValueError

    asyncio.run(main())
    assert place(records()[-1]) == (HERE, "main")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit])
def test_what_is_for_the_program_passes(logger: UnifiedLogger, records: Records, error: type[BaseException]) -> None:
    """Unless it is named."""

    @logger.catch
    def function() -> None:
        raise error

    with pytest.raises(error):
        function()
    with pytest.raises(error), logger.catch():
        raise error
    assert records() == []
    with logger.catch(error):
        raise error
    assert records()[0]["exception"]["type"] == error.__name__


def test_the_arguments(logger: UnifiedLogger, records: Records) -> None:
    """Which exceptions, whether they are passed on, and who is told."""
    told: list[BaseException] = []
    with pytest.raises(KeyError), logger.catch(ValueError):
        raise KeyError
    with pytest.raises(KeyError), logger.catch(exclude=(OSError, KeyError)):
        raise KeyError
    assert records() == []
    with logger.catch((KeyError, OSError), onerror=told.append):
        raise KeyError("k")
    error = ValueError("again")
    with pytest.raises(ValueError, match="again"), logger.catch(reraise=True):
        raise error
    with pytest.raises(SystemExit), logger.catch(onerror=lambda error: exec("raise SystemExit")):
        raise ValueError
    assert [str(error) for error in told] == ["'k'"]
    assert [record["exception"]["type"] for record in records()] == ["KeyError", "ValueError", "ValueError"]


def test_wrong_arguments_are_refused(logger: UnifiedLogger) -> None:
    """Where the function is decorated, not when it fails."""
    wrong: Any
    for wrong in ({"level": "LOUD"}, {"level": 7.5}):
        with pytest.raises(ValueError, match="must be"):
            logger.catch(**wrong)
    for wrong in ({"exception": 7}, {"exception": ("x",)}, {"exclude": int}):
        with pytest.raises(TypeError, match="must be a class of exceptions"):
            logger.catch(**wrong)


def test_one_catch_serves_many_calls(logger: UnifiedLogger, records: Records) -> None:
    """Inside itself, and for a logger with fields."""
    catch = logger.bind(job="nightly").catch()

    @catch
    def down(depth: int) -> None:
        if depth:
            down(depth - 1)
        raise ValueError(depth)

    with catch:
        down(2)
        raise KeyError
    found = records()
    assert [record["exception"]["message"] for record in found] == ["0", "1", "2", ""]
    assert {record["job"] for record in found} == {"nightly"}


def test_a_wrapper_that_is_marked_is_passed_over(logger: UnifiedLogger, records: Records) -> None:
    """As in any logging call."""

    @mark_wrapper
    def run(function: Any) -> None:
        with logger.catch():
            function()

    run(lambda: 1 / 0)
    assert place(records()[0])[1] == "test_a_wrapper_that_is_marked_is_passed_over"


def test_listeners_get_the_same(logger: UnifiedLogger) -> None:
    """With the place and the exception."""
    seen: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = seen.append  # type: ignore[method-assign]
    logging.getLogger("app").addHandler(handler)

    @logger.catch
    def divide() -> float:
        return 1 / 0

    divide()
    [record] = seen
    assert (record.funcName, record.lineno) == ("divide", line_of(divide))
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_tests_of_applications_see_it() -> None:
    """Without a start."""
    with capture_logs() as captured, get_logger("app").catch():
        raise ValueError("v")
    assert captured.one("exception caught", level="ERROR", exception=ValueError).function == (
        "test_tests_of_applications_see_it"
    )


def test_a_decorated_function_can_be_sent() -> None:
    """By its name, as any function."""
    assert pickle.loads(pickle.dumps(decorated)) is decorated


@get_logger("app").catch
def decorated() -> None:
    """A function of this module."""
