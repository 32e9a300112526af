"""Values within values."""

from __future__ import annotations

from typing import Any

from ..bench import Bench, in_burst
from ..curve import Curve

# A call costs about as much as this many items.
CALL = 10
ITEM = 12  # bytes of JSON, about


def calls_with(bench: Bench, value: object, items: int) -> float:
    """Calls with one field of this value."""
    bench.start()
    logger = bench.logger

    def calls(count: int) -> None:
        for _ in range(count):
            logger.info("API 请求处理", value=value)

    return bench.calls(calls, in_burst(150 + items * ITEM))


def listed(bench: Bench, items: int) -> float:
    return calls_with(bench, list(range(items)), items)


def mapped(bench: Bench, items: int) -> float:
    return calls_with(bench, {f"key {number}": number for number in range(items)}, items)


def rows(bench: Bench, items: int) -> float:
    return calls_with(bench, [{"id": number, "name": "订单"} for number in range((items + 1) // 2)], items)


def deep(bench: Bench, levels: int) -> float:
    value: Any = 1
    for _ in range(levels):
        value = {"inner": value}
    return calls_with(bench, value, levels)


CURVES = [
    Curve(
        name="nested",
        title="Items in a nested value",
        axis="items in all",
        points=(1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000),
        few=(1, 100, 10_000),
        series={"list of integers": listed, "dict of integers": mapped, "list of dicts of two": rows},
        factor=5,
        weight=lambda series, items: CALL + items,
        unit=f"ns per item, a call counted as {CALL}",
        why="A container becomes JSON during the call, since it may change right after: each item is visited once. "
        "A container is cut off after 10,000 items, and a field after 256 KiB of JSON.",
    ),
    Curve(
        name="depth",
        title="Depth of a nested value",
        axis="levels",
        points=(1, 2, 4, 8, 16, 32),
        few=(1, 8, 32),
        series={"dict within dict": deep},
        factor=4,
        weight=lambda series, levels: CALL + levels,
        unit=f"ns per level, a call counted as {CALL}",
        why="A level costs its braces, its key, and a look whether it holds itself. More than 32 levels are cut off.",
        log="y",
    ),
]
