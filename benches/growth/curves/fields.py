"""More fields in a call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..bench import Bench, in_burst
from ..curve import Curve

# A call without fields costs about as much as this many fields.
CALL = 10
# Bytes of a record without fields, and of a field.
RECORD, FIELD = 120, 20


def caller(logger: Any, template: str, fields: int) -> Callable[[int], None]:
    """A function that makes so many calls with `fields` fields, by turns a text and an integer, as a program would write them."""
    given = ", ".join(
        f"field_{number}={number * 37 if number % 2 else repr(f'value {number}')}" for number in range(fields)
    )
    names = {"logger": logger}
    exec(f"def calls(count):\n for _ in range(count): {template.format(given)}", names)
    calls: Callable[[int], None] = names["calls"]
    return calls


def ours(bench: Bench, fields: int) -> float:
    bench.start()
    return bench.calls(
        caller(bench.logger, "logger.info('API 请求处理', {})", fields), in_burst(RECORD + fields * FIELD)
    )


def mapping(bench: Bench, fields: int) -> float:
    bench.start()
    given = {f"field_{number}": number * 37 if number % 2 else f"value {number}" for number in range(fields)}
    logger = bench.logger

    def calls(count: int) -> None:
        for _ in range(count):
            logger.info("API 请求处理", **given)

    return bench.calls(calls, in_burst(RECORD + fields * FIELD))


def stdlib(bench: Bench, fields: int) -> float:
    from contenders import stdlib_queue as contender

    contender.start(Path(bench.folder))
    template = "logger.info('API 请求处理', extra=dict({}))"
    bench.finish = contender.finish  # type: ignore[method-assign]
    return bench.calls(caller(contender.logger, template, fields), 500)


CURVES = [
    Curve(
        name="fields",
        title="Fields in a call",
        axis="fields",
        points=(0, 1, 2, 5, 10, 20, 30, 40, 50),
        few=(0, 5, 50),
        series={"keywords": ours, "a mapping, **fields": mapping},
        beside={"logging, QueueHandler + JSON": stdlib},
        factor=7,
        weight=lambda series, fields: CALL + fields,
        unit=f"ns per field, a call counted as {CALL}",
        why="A straight line: names are known by their call site, so a field costs copying its value. "
        "From 28 keywords on CPython 3.11 hands a call's arguments over in a dictionary that it makes and takes apart again: that is the step, "
        "and a call that does nothing has it too. "
        "With a mapping the interpreter makes a new tuple of names for each call, which is compared name by name.",
        log="y",
    )
]
