"""Exceptions that come from far down."""

from __future__ import annotations

import sys

from ..bench import Bench, in_burst
from ..curve import Curve

# A call with an exception costs about as much as this many frames.
CALL = 20


def from_depth(frames: int) -> ValueError:
    """An exception of so many frames, of two functions in turn: one that calls itself takes one entry however often it does."""

    def one(left: int) -> None:
        if left <= 1:
            raise ValueError("order 7 cannot be paid")
        other(left - 1)

    def other(left: int) -> None:
        if left <= 1:
            raise ValueError("order 7 cannot be paid")
        one(left - 1)

    try:
        one(frames - 1)
    except ValueError as error:
        return error
    raise AssertionError


def raised(bench: Bench, frames: int) -> float:
    sys.setrecursionlimit(5_000)
    bench.start()
    error = from_depth(frames)
    logger = bench.logger

    def calls(count: int) -> None:
        for _ in range(count):
            logger.error("处理失败", exc_info=error, endpoint="/api/ai/chat")

    return bench.calls(calls, min(500, in_burst(40 * frames)))


def deep_call(bench: Bench, frames: int) -> float:
    sys.setrecursionlimit(5_000)
    bench.start()
    logger = bench.logger

    def fall(left: int, count: int) -> None:
        if left > 1:
            return fall(left - 1, count)
        for _ in range(count):
            logger.info("API 请求处理", status_code=200)
        return None

    return bench.calls(lambda count: fall(frames, count), 5_000)


CURVES = [
    Curve(
        name="exceptions",
        title="Frames of an exception",
        axis="frames",
        points=(2, 5, 10, 20, 50, 100, 300, 1_000),
        few=(2, 10, 100, 1_000),
        series={"an error with the exception": raised},
        factor=5,
        weight=lambda series, frames: CALL + frames,
        unit=f"ns per frame, a call counted as {CALL}",
        why="For each frame the call notes file, line and function; the text of the traceback is composed behind the queue. "
        "Of more than 200 frames the first and the last hundred are kept, and the others are only counted.",
    ),
    Curve(
        name="stack",
        title="Frames beneath a call",
        axis="frames",
        points=(1, 3, 10, 30, 100, 300, 1_000),
        few=(1, 100, 1_000),
        series={"a call": deep_call},
        factor=2,
        why="A call looks at its own frame, however many are beneath it.",
        log="x",
    ),
]
