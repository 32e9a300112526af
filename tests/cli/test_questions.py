"""`unified-logger query`: what comes out, in which form, and what is said of a question that is none."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest
from kinds import Run

from unified_logger.cli import _table

LINES = [
    {"timestamp": "2026-02-19T10:00:00.000000+00:00", "level": "INFO", "logger": "shop", "message": "taken", "endpoint": "/buy", "latency_ms": 10},
    {"timestamp": "2026-02-19T10:01:00.000000+00:00", "level": "WARNING", "logger": "shop.db", "message": "订单慢", "endpoint": "/订单", "latency_ms": 620.5},
    {"timestamp": "2026-02-19T10:07:00.000000+00:00", "level": "ERROR", "logger": "shop.db", "message": "refused", "endpoint": "/buy", "latency_ms": 90},
]  # fmt: skip


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    directory = tmp_path / "logs"
    directory.mkdir()
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in LINES)
    (directory / "app.log").write_text(text, encoding="utf-8")
    return directory


def test_records_come_out_as_they_are(run: Run, logs: Path) -> None:
    """And the status says whether there are any."""
    found = run("query", "level>=warning and latency_ms<100", str(logs))
    assert [json.loads(line) for line in found.stdout.splitlines()] == [LINES[2]]
    assert (found.returncode, found.stderr) == (0, "")
    nothing = run("query", "level=critical", "logs")
    assert (nothing.returncode, nothing.stdout) == (1, "")


def test_a_table_is_aligned_whatever_its_letters_are(run: Run, logs: Path) -> None:
    """A Chinese letter takes two columns."""
    found = run("query", "count, max latency_ms by endpoint", "logs", "--utc")
    assert found.stdout.splitlines() == [
        "endpoint  count  max_latency_ms",
        "/buy          2              90",
        "/订单         1           620.5",
    ]


def test_tables_for_programs(run: Run, logs: Path) -> None:
    """Numbers are numbers, and times are in UTC."""
    question = "count by 5m"
    found = run("query", question, "logs", "--json")
    assert [json.loads(line) for line in found.stdout.splitlines()] == [
        {"time": "2026-02-19T10:00:00.000000+00:00", "count": 2},
        {"time": "2026-02-19T10:05:00.000000+00:00", "count": 1},
    ]
    rows = list(csv.reader(io.StringIO(run("query", question, "logs", "-o", "csv").stdout)))
    assert rows == [
        ["time", "count"],
        ["2026-02-19T10:00:00.000000+00:00", "2"],
        ["2026-02-19T10:05:00.000000+00:00", "1"],
    ]


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["-l", "warning"], 2),
        (["-L", "shop.db"], 2),
        (["-L", "shop.*"], 3),
        (["-S", "2026-02-19T10:01:00Z", "-U", "2026-02-19T10:07:00Z"], 1),
        (["-S", "2026-02-19T11:01+01:00"], 2),
        (["--utc", "-S", "2026-02-19 10:01"], 2),
        (["-S", "-99999d", "--utc"], 3),
        (["-L", "*"], 3),
    ],
)
def test_options_choose_records_besides(run: Run, logs: Path, arguments: list[str], count: int) -> None:
    found = run("query", "latency_ms > 0 | count", "logs", *arguments, "--json")
    assert json.loads(found.stdout) == {"count": count}


@pytest.mark.parametrize(
    ("question", "place", "told"),
    [
        ("level >= loud", "         ^^^^", "a level: DEBUG"),
        ("latency_ms >", "            ^", "a value should stand here"),
        ("latency_ms > 5s", "             ^^", "a number without a unit"),
        ("level=error | cuont by endpoint", "              ^^^^^", "count, sum, avg"),
    ],
)
def test_what_is_wrong_is_pointed_at(run: Run, logs: Path, question: str, place: str, told: str) -> None:
    """Under the question itself."""
    found = run("query", question, "logs")
    assert found.returncode == 2
    first, shown, marks = found.stderr.splitlines()
    assert told in first
    assert (shown, marks) == (f"  {question}", f"  {place}")


def test_options_may_stand_between_files(run: Run, logs: Path) -> None:
    """And several files, or directories, are read."""
    assert json.loads(run("query", "count", "-l", "error", "logs", "--json").stdout) == {"count": 1}
    assert json.loads(run("query", "count", "logs", "logs/app.log", "--json").stdout) == {"count": 3}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-S", "9999-01-01"], "from 1678 to 2262"),
        (["-L", "shop*"], "shop or 'shop.*'"),
        (["-t", ""], "--trace needs an id"),
        (["-l", "loud"], "is no level"),
    ],
)
def test_wrong_options(run: Run, logs: Path, arguments: list[str], told: str) -> None:
    """Of both commands, in a sentence."""
    for command in (["query", "count"], ["tail"]):
        found = run(*command, "logs", *arguments)
        assert found.returncode == 2
        assert told in found.stderr or "there is no level" in found.stderr


def test_what_waits_for_the_end_is_not_followed(run: Run, logs: Path) -> None:
    found = run("query", "* | tail 1", "logs", "-f")
    assert found.returncode == 2
    assert "-f never reaches" in found.stderr


def test_wide_tables_stay_small(run: Run, logs: Path) -> None:
    """One long text does not pad all other rows."""
    line = {**LINES[0], "message": "x" * 100_000}
    with (logs / "app.log").open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(line if number == 50 else LINES[0]) + "\n" for number in range(300)))
    assert len(run("query", "* | fields message, level", "logs").stdout) < 100_000


NAMED = """
import logging
from unified_logger import get_logger, init_logging
logging.addLevelName(35, "AUDIT")
init_logging(log_dir="logs", console_format="off", max_bytes="1MB")
get_logger("a").log(35, "changed")
"""


def test_levels_that_a_program_has_named(run: Run, run_python: Run) -> None:
    """By the catalogue of the directory, as for every reader. Seen to fail: left out."""
    run_python(NAMED)
    for question in ("level >= warning | count", "level = audit | count", "level > 30 | count"):
        assert json.loads(run("query", question, "logs", "--json").stdout) == {"count": 1}
    assert json.loads(run("query", "count", "logs", "-l", "audit", "--json").stdout) == {"count": 1}


def test_ids_behind_a_path_are_asked_without_it(run: Run, tmp_path: Path) -> None:
    """As Google's lines have them."""
    line = {"time": "2026-02-19T10:00:00Z", "severity": "INFO", "message": "m"}
    line["logging.googleapis.com/trace"] = "projects/shop/traces/4bf92f3577b34da6a3ce929d0e0e4736"
    (tmp_path / "app.log").write_text(json.dumps(line) + "\n")
    for question in ("trace_id = 4bf92f3577b34da6a3ce929d0e0e4736 | count", "trace_id = 4bf9* | count"):
        assert json.loads(run("query", question, "app.log", "--json").stdout) == {"count": 1}


def test_files_that_are_not_there(run: Run, tmp_path: Path) -> None:
    found = run("query", "count", "missing.log")
    assert (found.returncode, found.stdout) == (2, "")
    assert "missing.log" in found.stderr


def test_a_reader_that_has_seen_enough_ends_it(logs: Path) -> None:
    """Quietly, as for all programs in a pipe."""
    with (logs / "app.log").open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in LINES) * 20_000)
    command = [sys.executable, "-m", "unified_logger.cli", "query", "*", "logs"]
    with subprocess.Popen(command, cwd=logs.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_records_are_followed(logs: Path) -> None:
    """As they are written, and Ctrl-C ends it without a traceback."""
    command = [sys.executable, "-m", "unified_logger.cli", "query", "level=error", "logs", "-f"]
    with subprocess.Popen(
        command, cwd=logs.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == LINES[2]
        with (logs / "app.log").open("a", encoding="utf-8") as file:
            file.write(json.dumps({**LINES[2], "message": "again"}) + "\n")
        assert json.loads(process.stdout.readline())["message"] == "again"
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 130


def test_objects_are_objects(run: Run, logs: Path) -> None:
    """For programs; a table has them as JSON writes them. Seen to fail where JSON had a text in their place."""
    with (logs / "app.log").open("w", encoding="utf-8") as file:
        file.write(json.dumps({**LINES[0], "user": {"id": 7, "名": ["a", None]}}, ensure_ascii=False) + "\n")
    found = run("query", "* | fields user, user.id", "logs", "--json").stdout
    assert json.loads(found) == {"user": {"id": 7, "名": ["a", None]}, "user.id": 7}
    assert '{"id":7,"名":["a",null]}' in run("query", "* | fields user", "logs").stdout
    [_, row] = csv.reader(io.StringIO(run("query", "* | fields user", "logs", "-o", "csv").stdout))
    assert json.loads(row[0]) == {"id": 7, "名": ["a", None]}


def test_a_text_is_told_from_the_number_it_looks_like(run: Run, logs: Path) -> None:
    """In a column that has both. Seen to fail where two rows looked the same."""
    with (logs / "app.log").open("w", encoding="utf-8") as file:
        for status in (200, "200", True, "true", "ok"):
            file.write(json.dumps({**LINES[0], "status": status, "text": str(status)}) + "\n")
    shown = run("query", "count by status", "logs").stdout.splitlines()[1:]
    assert sorted(line.split()[0] for line in shown) == ['"200"', '"true"', "200", "ok", "true"]
    assert '"' not in run("query", "count by text", "logs").stdout


def test_times_are_never_cut() -> None:
    """Nor numbers: a part of them says nothing. Seen to fail where all columns were cut alike."""
    at = datetime(2026, 2, 19, 10, 0, 0, 123456, timezone.utc)
    rows = [[at, "shop.orders.refused.by.the.warehouse" * 2, 123_456_789, "订单" * 30]]
    for width in (60, 80, 200):
        _, row = _table.drawn(
            ["time", "logger", "count", "message"], rows, columns_of_terminal=width, is_utc=True
        ).splitlines()
        assert row.startswith("2026-02-19 10:00:00.123456  shop.o")
        assert "123456789" in row
        assert _table.width_of(row) <= width
