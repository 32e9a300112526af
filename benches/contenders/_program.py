"""What contenders that are programs share: the program measures itself, and its lines are counted here."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

# What the record holds, whatever a library calls it, and whether it nests it or not.
VALUES = frozenset(
    ["wechat_backend.api", "API 请求处理", "/api/ai/chat", "POST", "user_001", 234, 200, "abc-123-xyz", "def-456"]
)


def run(program: Path, folder: Path, *, rounds: int, records: int, seconds: float) -> list[dict[str, Any]]:
    """Runs a program and counts what it wrote.

    Args:
        program: Takes FOLDER ROUNDS RECORDS SECONDS, logs to `app.log` in the folder, and prints its results as a JSON array.
        folder: Where it logs.
        rounds: Rounds of 5,000 calls.
        records: Records to write in a run for throughput.
        seconds: How long to make paced calls.

    Returns:
        The results, each with the lines it asked for (`expected`), those that are there (`lines`), and how many of these are
        JSON (`parsed`) and have the values of the record (`whole`).

    Raises:
        subprocess.CalledProcessError: The program fails.
    """
    command = [str(program), str(folder), str(rounds), str(records), str(seconds)]
    results: list[dict[str, Any]] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    with (folder / "app.log").open(encoding="utf-8", errors="replace") as file:
        for result in results:  # each had all its lines on disk before the next began
            expected = result.pop("logged")
            result.update(expected=expected, **count(islice(file, expected)))
        surplus = sum(1 for _ in file)
    assert surplus == 0, f"{surplus} more lines than records"
    return results


def count(lines: Iterable[str]) -> dict[str, int]:
    """How many lines there are, how many of them are JSON objects, and how many of those hold the record."""
    found = parsed = whole = 0
    for line in lines:
        found += 1
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            parsed += 1
            whole += VALUES.issubset(values(record))
    return {"lines": found, "parsed": parsed, "whole": whole}


def values(record: dict[str, Any]) -> set[Any]:
    """The values of a record and of the objects in it."""
    held = set()
    for value in record.values():
        if isinstance(value, dict):
            held |= values(value)
        else:
            held.add(value)
    return held
