"""Integers of every size, as they are: small ones are read where the interpreter keeps them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unified_logger import UnifiedLogger

EDGES = [
    0,
    1,
    2,
    5,
    255,
    256,
    257,
    *(1 << bits for bits in (14, 15, 16, 29, 30, 31, 32, 45, 59, 60, 61, 62, 63, 64, 90, 127)),
]
NUMBERS = sorted({sign * (edge + step) for edge in EDGES for sign in (1, -1) for step in (-1, 0, 1)})


def test_integers_are_what_they_were(logger: UnifiedLogger, records: Callable[..., list[dict[str, Any]]]) -> None:
    """Seen to fail with the sign left out, and with integers of two digits taken for those of one."""
    for number in NUMBERS:
        logger.info("m", number=number, inside=[number])
    found = records()
    assert [record["number"] for record in found] == NUMBERS
    assert [record["inside"] for record in found] == [[number] for number in NUMBERS]
