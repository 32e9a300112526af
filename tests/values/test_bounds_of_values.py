"""Values without end: each is represented up to a bound, says so, and costs nothing else."""

from __future__ import annotations

import json
from collections import UserDict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kinds import Records

from unified_logger import UnifiedLogger, _core


class Endless(UserDict[str, Any]):
    """Each value is another one."""

    def __getitem__(self, key: str) -> Endless:
        return Endless()

    def __iter__(self) -> Iterator[str]:
        return iter("a")

    def __len__(self) -> int:
        return 1


def in_itself() -> list[Any]:
    """A list whose only item is itself."""
    value: list[Any] = []
    value.append(value)
    return value


def deep() -> list[Any]:
    """Lists in each other."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


BOUNDLESS: dict[str, tuple[Callable[[], Any], str]] = {
    "in itself": (in_itself, '"$cycle":"list"'),
    "made as it is looked at": (Endless, '"$truncated":"depth"'),
    "deep": (deep, '"$truncated":"depth"'),
    "many items": (lambda: [0] * 1_000_000, "990000 more"),
    "many keys": (lambda: {str(number): 0 for number in range(100_000)}, "90000 more"),
    "a long text": (lambda: "x" * 10_000_000, "+9737856 characters"),
    "much in all": (lambda: [["x" * 1_000] * 1_000] * 1_000, "more"),
}


@pytest.mark.parametrize("name", BOUNDLESS)
def test_a_value_without_end_is_cut_and_says_so(logger: UnifiedLogger, records: Records, name: str) -> None:
    """A few hundred kilobytes at most; the record and the field beside it are whole."""
    make, mark = BOUNDLESS[name]
    value = make()
    line = _core.encode_value(value)
    assert mark in line
    assert len(line) < 300_000
    logger.info("m", value=value, beside=1)
    (record,) = records()
    assert record["value"] == json.loads(line)
    assert record["beside"] == 1
