"""More places that log, and places that come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..bench import Bench
from ..curve import Curve

Functions = list[Callable[[], None]]
BURST = 5_000


def functions(logger: Any, start: int, count: int) -> Functions:
    """New functions that log, each with code of its own."""
    names: dict[str, Any] = {"logger": logger}
    source = "\n".join(
        f"def handler_{number}(): logger.info('API 请求处理', endpoint='/api/ai/chat', status_code=200)"
        for number in range(start, start + count)
    )
    exec(source, names)
    return [names[f"handler_{number}"] for number in range(start, start + count)]


def known(bench: Bench, sites: int) -> float:
    bench.start()
    all_of_them = functions(bench.logger, 0, sites)
    turns = max(1, BURST // sites)

    def calls(count: int) -> None:
        for _ in range(turns):
            for function in all_of_them:
                function()

    return bench.calls(calls, turns * sites)


def new(bench: Bench, sites: int) -> float:
    """Functions that are called once and go, after so many others did."""
    bench.start(queue_size=200_000, console_format="off")
    made = 0

    def come_and_go(count: int) -> Functions:
        nonlocal made
        made += count
        return functions(bench.logger, made - count, count)

    while made < sites:
        part = min(1_000, sites - made)
        waiting = come_and_go(part)
        bench.once(lambda count, waiting=waiting: [function() for function in waiting], part)  # type: ignore[misc]
    each = 500
    rounds = [come_and_go(each) for _ in range(bench.rounds + 1)]

    def calls(count: int) -> None:
        for function in rounds.pop():
            function()

    return bench.calls(calls, each)


def lambdas(bench: Bench, sites: int) -> float:
    """Lambdas that are made anew for each call, of so many places."""
    bench.start()
    names: dict[str, Any] = {"logger": bench.logger}
    turns = max(1, BURST // sites)
    body = "\n".join(f"  (lambda: logger.info('API 请求处理', number={number}))()" for number in range(sites))
    exec(f"def calls(count):\n for _ in range({turns}):\n{body}", names)
    return bench.calls(names["calls"], turns * sites)


CURVES = [
    Curve(
        name="sites",
        title="Call sites, in turn",
        axis="call sites",
        points=(1, 10, 100, 1_000, 2_000, 4_000, 6_000, 10_000),
        few=(1, 1_000, 10_000),
        series={"functions": known, "lambdas made for each call": lambdas},
        factor=3,
        why="A call finds what is known of its place in a table that grows with the places there are. With thousands of them "
        "taken in turn the code, the table and what the table refers to no longer fit the processor's caches: "
        "each call waits for memory some times.",
        log="x",
    ),
    Curve(
        name="sites-new",
        title="The first call of a place, after others that came and went",
        axis="functions that came and went before",
        points=(0, 100, 1_000, 5_000, 10_000, 20_000, 100_000),
        few=(0, 1_000, 20_000),
        series={"generated functions, called once": new},
        factor=3,
        why="A place is worked out at its first call: module, function and line, and its names are noted in the black box. After "
        "16,384 places, or 1 MB of their names, new ones travel inside their records, and nothing more is kept of them.",
        log="",
    ),
]
