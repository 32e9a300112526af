"""`unified-logger stats`: the same numbers as reading everything gives, from indices where there are some."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from kinds import Run, Start

from unified_logger import flush_logging, get_logger, shutdown_logging
from unified_logger.reader import read_logs


def logged(start: Start, log_dir: Path, **options: Any) -> None:
    """Records of several levels and loggers, in files of which all but the last are rotated."""
    start(console_format="off", max_bytes="200KB", backup_count=100, overflow="block", **options)
    for number in range(5000):
        logger = get_logger(f"shop.{number % 3}")
        (logger.info, logger.warning, logger.error)[number % 7 % 3]("m", number=number)
    assert flush_logging(30)


@pytest.mark.parametrize("compress", ["off", "gzip", "zstd"])
def test_they_are_those_of_the_files(run: Run, start: Start, log_dir: Path, compress: str) -> None:
    """To the unit, also in spans of time, and most files are not read for that."""
    logged(start, log_dir, compress=compress)
    end = time.monotonic() + 30
    while len([*log_dir.glob(".unified_logger/*.idx")]) < 4 and time.monotonic() < end:
        time.sleep(0.1)
        get_logger("shop.0").info("more")
    shutdown_logging()
    found = run("stats", str(log_dir), "--json", "--sites", "--errors")
    assert (found.returncode, found.stderr) == (0, "")
    told = json.loads(found.stdout)
    records = list(read_logs(log_dir, files="app.log"))
    assert told["records"] == len(records)
    assert told["levels"] == Counter(record.level for record in records)
    assert told["loggers"] == Counter(record.logger for record in records)
    assert told["sets"]["app.log"]["indexed"] >= 3
    in_spans: Counter[str] = Counter()
    for span in told["volume"]:
        in_spans.update(span["levels"])
    assert in_spans == told["levels"]
    assert sum(each["count"] for each in told["errors"]) == told["levels"]["ERROR"]
    assert sum(each["count"] for each in told["sites"]) == len(records)


def test_what_was_left_out_is_told(run: Run, start: Start, log_dir: Path) -> None:
    """From the counters of the directory: no file has it."""
    start(console_format="off", sampling={"rules": [{"keep": "none"}]})
    for _ in range(10):
        get_logger("a").info("m")
    shutdown_logging()
    told = json.loads(run("stats", str(log_dir), "--json").stdout)
    assert told["counters"]["records_filtered_total"] == 9
    assert "kept out by sampling or a filter" in run("stats", str(log_dir)).stdout


def test_foreign_lines_are_counted_too(run: Run, tmp_path: Path) -> None:
    """Those without a level or a logger as such."""
    (tmp_path / "app.log").write_text(
        '{"a":1}\nTraceback\n{"timestamp":"2026-02-19T10:00:00Z","level":"INFO","logger":"x"}\n'
    )
    told = json.loads(run("stats", ".", "--json").stdout)
    assert (told["records"], told["levels"], told["loggers"]) == (3, {"(none)": 2, "INFO": 1}, {"(none)": 2, "x": 1})


def test_an_empty_or_missing_directory(run: Run, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    assert run("stats", "logs").returncode == 1
    missing = run("stats", "nowhere")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "nowhere" in missing.stderr


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="rights cannot be given up here")
def test_files_that_may_not_be_read_are_told(tmp_path: Path) -> None:
    """Their records are missing in all numbers. Seen to fail: the other files were taken for the whole, in silence."""
    line = '{"timestamp":"2026-02-19T10:00:00Z","level":"ERROR","logger":"a","message":"m"}\n'
    for name in ("app.log", "errors.log"):
        (tmp_path / name).write_text(line)
    (tmp_path / "app.log").chmod(0)
    without_rights = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--ambient-caps=-all"] * (os.geteuid() == 0)
    command = [*without_rights, sys.executable, "-m", "unified_logger", "stats", str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 2
    assert "app.log could not be read" in found.stderr
