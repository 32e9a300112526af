"""A record names the place of its call as `logging` does, in every kind of code."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from typing import Any

import pytest
from kinds import Records

from unified_logger import UnifiedLogger

Both = Callable[[str], None]


def plain(both: Both) -> None:
    both("plain")


def two_on_a_line(both: Both) -> None:
    _ = both("one"), both("other")


def comprehension(both: Both) -> None:
    [both(str(number)) for number in range(3)]
    sum(both(str(number)) is None for number in range(3))


def anonymous(both: Both) -> None:
    (lambda: both("lambda"))()


def called_by_c(both: Both) -> None:
    list(map(both, ["first", "second"]))
    functools.partial(both, "partial")()


def executed(both: Both) -> None:
    exec("both('executed')\nboth('second line')", {"both": both})
    eval("both('evaluated')", {"both": both})


def class_body(both: Both) -> None:
    class _Body:
        both("in a class body")


def several_lines(both: Both) -> None:
    both(
        "a call of"
        # over several
        " lines"
    )


def generator(both: Both) -> None:
    def numbers() -> Any:
        both("before the first")
        yield 1
        both("after it")

    list(numbers())


def coroutine(both: Both) -> None:
    async def work() -> None:
        both("in a task")
        await asyncio.sleep(0)
        both("after a turn of the loop")

    asyncio.run(work())


def dropped(both: Both) -> None:
    """While a frame is cleared: from 3.12 on the one below it may be no frame of Python's."""

    class Thing:
        pass

    Thing.__del__ = functools.partial(both, "dropped")  # type: ignore[attr-defined]

    def work(_: int) -> None:
        thing = Thing()  # noqa: F841 - goes with the frame

    list(map(work, [1, 2]))
    work(3)


def far_down(both: Both) -> None:
    lines = "\n".join(["value = 1"] * 2_000 + ["both('far down')"] * 2)
    exec(compile(f"def long():\n{lines}\n".replace("\n", "\n    "), "long.py", "exec"), names := {"both": both})
    names["long"]()


KINDS = [
    plain,
    two_on_a_line,
    comprehension,
    anonymous,
    called_by_c,
    executed,
    class_body,
    several_lines,
    generator,
    coroutine,
    dropped,
    far_down,
]


class Places(logging.Handler):
    """Where records came from, as `logging` tells it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, str, int]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append((record.module, record.funcName, record.lineno))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_place(kind: Callable[[Both], None], logger: UnifiedLogger, records: Records) -> None:
    """The same module, function and line, also the second time, when the place is known.

    Seen to fail with an instruction that is always the same.
    """
    theirs, collector = logging.getLogger("theirs"), Places()
    theirs.setLevel(logging.INFO)
    theirs.addHandler(collector)
    theirs.propagate = False
    try:
        for _ in range(2):
            kind(theirs.info)
            kind(logger.info)
    finally:
        theirs.removeHandler(collector)
        theirs.propagate = True
    ours = [(record["module"], record["function"], record["line"]) for record in records()]
    assert ours == collector.seen
