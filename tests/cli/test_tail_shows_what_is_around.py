"""`unified-logger tail` with filters, and with the records around those that fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

TRACES = {"a": "a" * 32, "b": "b" * 32}


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Two requests whose records alternate, and records of none."""
    directory = tmp_path / "logs"
    directory.mkdir()

    def line(number: int, level: str, trace: str | None, **fields: Any) -> dict[str, Any]:
        record = {"timestamp": f"2026-02-19T10:00:{number:02}.000000+00:00", "level": level, "logger": f"shop.{trace}"}
        record |= {"message": f"m{number}", "number": number} | fields
        return record if trace is None else record | {"trace_id": TRACES[trace]}

    records = [line(number, "INFO", ("a", "b", None)[number % 3]) for number in range(30)]
    records[15] = line(15, "ERROR", "a", path="/pay 'x'")
    records[20] = line(20, "WARNING", None)
    text = "".join(json.dumps(record) + "\n" for record in records)
    (directory / "app.log").write_text(text)
    (directory / "errors.log").write_text(json.dumps(records[15]) + "\n")
    return directory


def numbers(run: Run, *arguments: str) -> list[int]:
    """Which records are shown."""
    found = run("tail", *arguments, "logs", "-o", "fields", "--fields", "number")
    assert found.stderr == ""
    return [int(number) for number in found.stdout.split()]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-q", "number > 26"], [27, 28, 29]),
        (["-q", "number >= 10 and level > info"], [15, 20]),
        (["-g", r"m1[0-2]\b"], [10, 11, 12]),
        (["-g", "/pay 'x'"], [15]),
        (["-g", "(?i)error"], [15]),
        (["-q", "number < 10", "-g", "m[89]"], [8, 9]),
        (["-q", "number > 20", "-n", "2", "-r"], [29, 28]),
        (["-l", "error", "-C"], [*range(0, 30, 3)]),
        (["-q", "number = 4", "-C"], [*range(1, 30, 3)]),
        (["-l", "warning", "-C"], sorted([*range(0, 30, 3), 20])),
        (["-l", "warning", "-n", "1", "-C"], [20]),
        (["-l", "error", "--around", "2s"], [13, 14, 15, 16, 17]),
        (["-l", "warning", "--around", "1s"], [14, 15, 16, 19, 20, 21]),
        (["-l", "warning", "--around", "3s", "-r"], [*range(23, 11, -1)]),
    ],
)
def test_the_records_that_fit_and_those_around(run: Run, logs: Path, arguments: list[str], expected: list[int]) -> None:
    """Of the same trace, not the neighbours of other requests. Each once, though the error is in two files."""
    assert numbers(run, *arguments) == expected


def test_half_a_second_is_no_half_year(run: Run, logs: Path) -> None:
    """Seen to fail: `500ms` was read as minutes."""
    assert numbers(run, "-l", "error", "--around", "500ms") == [15]


def test_traces_behind_a_path_are_found(run: Run, tmp_path: Path) -> None:
    """As Google's lines have them."""
    base = {"time": "2026-02-19T10:00:00Z", "severity": "INFO", "message": "m"}
    base["logging.googleapis.com/trace"] = f"projects/shop/traces/{TRACES['a']}"
    lines = [{**base, "number": number, "severity": "ERROR" if number == 1 else "INFO"} for number in range(3)]
    (tmp_path / "app.log").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = run("tail", "app.log", "-l", "error", "-C", "-o", "fields", "--fields", "number")
    assert found.stdout.split() == ["0", "1", "2"]


def test_nothing_that_fits_has_nothing_around(run: Run, logs: Path) -> None:
    found = run("tail", "logs", "-l", "critical", "-C")
    assert (found.returncode, found.stdout, found.stderr) == (1, "", "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-q", "number >"], "a value should stand here"),
        (["-q", "count"], "a filter without stages"),
        (["-g", "("], "unclosed group"),
        (["-C", "--around", "1s"], "do not go together"),
        (["-C", "-f"], "files that are not followed"),
        (["--around", "soon"], "no length of time"),
    ],
)
def test_what_cannot_be_meant(run: Run, logs: Path, arguments: list[str], told: str) -> None:
    found = run("tail", "logs", *arguments)
    assert found.returncode == 2
    assert told in found.stderr


def test_standard_input_is_filtered(run: Run, logs: Path, tmp_path: Path) -> None:
    """By the same conditions."""
    import subprocess
    import sys

    command = [sys.executable, "-m", "unified_logger", "tail", "-", "-q", "number in (3, 5)", "-o", "json"]
    with (logs / "app.log").open("rb") as file:
        out = subprocess.run(command, stdin=file, capture_output=True, timeout=60, check=True).stdout
    assert [json.loads(line)["number"] for line in out.splitlines()] == [3, 5]
