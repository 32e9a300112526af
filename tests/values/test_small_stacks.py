"""Threads with little stack: what goes deep is represented up to a bound, and no call goes beyond the end of the stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kinds import Run
from programs import program

PROGRAM = program(__file__, "deep_calls")


def records(tmp_path: Path) -> list[dict[str, Any]]:
    """What was written."""
    return [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("kilobytes", [32, 40, 64, 1024])
def test_nested_values_are_written_as_deep_as_the_stack_goes(run_python: Run, tmp_path: Path, kilobytes: int) -> None:
    """And no deeper than anywhere else; what is left out has the marker of values that are too deep.

    Seen to crash at a depth of 16 with 32 KiB.
    """
    run_python(PROGRAM, "nested", str(kilobytes))
    found = [record for record in records(tmp_path) if record["message"] == "nested"]
    assert len(found) == 59 * 5
    for record in found:
        values = [record[name] for name in ("lists", "dicts", "tuples") if name in record]
        assert record["depth"] > 3 or not any("$truncated" in json.dumps(value) for value in values)
        assert record["depth"] <= 32 or all('{"$truncated": "depth"}' in json.dumps(value) for value in values)


@pytest.mark.parametrize("kilobytes", [32, 64])
@pytest.mark.parametrize("kind", ["keys", "chain", "redaction"])
def test_what_goes_deep_by_itself_fits_a_small_stack(
    run_python: Run, tmp_path: Path, kind: str, kilobytes: int
) -> None:
    """Keys inside keys, causes of causes, and the expressions of redaction, which are compiled elsewhere."""
    run_python(PROGRAM, kind, str(kilobytes))
    assert [record["message"] for record in records(tmp_path) if record["logger"] == "app"][-1] == "end"
    if kind == "redaction":
        assert "hunter2" not in (tmp_path / "logs" / "app.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("kilobytes", [256, 1024, 8192])
@pytest.mark.parametrize("kind", ["value", "exception", "note", "message", "argument", "theirs", "their value"])
def test_what_logs_itself_ends_before_the_stack_does(
    run_python: Run, tmp_path: Path, kind: str, kilobytes: int
) -> None:
    """Texts of values, exceptions, notes, messages and arguments that log the same again, until the stack or the recursion limit is reached.

    Seen to crash with 1 MiB, long before the recursion limit.
    """
    run_python(PROGRAM, kind, str(kilobytes))
    assert [record["message"] for record in records(tmp_path) if record["logger"] == "app"][-1] == "end"
