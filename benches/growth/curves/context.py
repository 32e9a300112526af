"""A context with more fields."""

from __future__ import annotations

from unified_logger import LoggingContext

from ..bench import Bench, in_burst
from ..curve import Curve

# A call costs about as much as this many fields of a context.
CALL = 50


def fields(count: int) -> dict[str, object]:
    """Fields of a context."""
    return {f"context_{number}": number if number % 2 else f"value {number}" for number in range(count)}


def call(bench: Bench, count: int) -> float:
    bench.start()
    logger = bench.logger

    def calls(count: int) -> None:
        for _ in range(count):
            logger.info("API 请求处理", status_code=200)

    with LoggingContext(**fields(count)):
        return bench.calls(calls, in_burst(150 + 30 * count))


def entered(bench: Bench, count: int) -> float:
    bench.start()
    logger, given = bench.logger, fields(count)

    def calls(count: int) -> None:
        for _ in range(count):
            with LoggingContext(**given):
                logger.info("API 请求处理", status_code=200)

    return bench.calls(calls, in_burst(150 + 30 * count))


CURVES = [
    Curve(
        name="context",
        title="Fields of the context, in a call",
        axis="fields of the context",
        points=(0, 1, 2, 5, 10, 20),
        few=(0, 5, 20),
        series={"a call within it": call},
        factor=2,
        weight=lambda series, count: CALL + count,
        unit=f"ns per field of the context, a call counted as {CALL}",
        why="The context was captured when it was set; a record gets a copy of its bytes, 30 or so for a field.",
        log="",
    ),
    Curve(
        name="context-entered",
        title="Fields of the context, entering it",
        axis="fields of the context",
        points=(0, 1, 2, 5, 10, 20),
        few=(0, 5, 20),
        series={"entering it, a call, leaving it": entered},
        factor=3,
        weight=lambda series, count: CALL + count,
        unit=f"ns per field of the context, entering and a call counted as {CALL}",
        cost="ns per context",
        why="Entering a context copies the fields of the one around it and captures all of them once.",
        log="",
    ),
]
