"""The last line of a file may have no newline: editors and other programs leave such files, and a torn line looks the same."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from kinds import Run

FIRST, SECOND = (
    json.dumps({"timestamp": f"2026-02-19T10:00:0{n}.000000Z", "level": "INFO", "logger": "a", "message": text})
    for n, text in enumerate(("first", "second"))
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The current file of a directory."""
    path = tmp_path / "logs" / "app.log"
    path.parent.mkdir()
    return path


@pytest.mark.parametrize("before", ["", f"{FIRST}\n"], ids=["alone", "after another"])
def test_a_whole_record_counts(run: Run, log: Path, before: str) -> None:
    """For each command that reads files. Seen to fail where a file of one such line was taken for a deleted one."""
    log.write_text(before + SECOND)
    records = [json.loads(line) for line in (before + SECOND).splitlines()]
    for arguments in (["-o", "json"], ["-n", "all", "-o", "json"], ["-n", "5", "-o", "json", "logs/app.log"]):
        shown = run("tail", *arguments)
        assert ([json.loads(line) for line in shown.stdout.splitlines()], shown.stderr) == (records, "")
    newest = run("tail", "-r", "-n", "1", "-o", "json").stdout
    assert json.loads(newest) == records[-1]
    assert json.loads(run("query", "count", "--json").stdout) == {"count": len(records)}
    assert json.loads(run("stats", "--json").stdout)["records"] == len(records)


@pytest.mark.parametrize("before", ["", f"{FIRST}\n"], ids=["alone", "after another"])
def test_a_torn_record_is_told(run: Run, log: Path, before: str) -> None:
    """Unless it may be on its way. Seen to fail where it was passed over without a word."""
    log.write_text(before + SECOND[:-9])
    assert run("tail").stderr == ""
    long_ago = time.time() - 60
    os.utime(log, (long_ago, long_ago))
    for arguments in (["tail"], ["tail", "-n", "all"], ["query", "level>=info"], ["stats"]):
        said = run(*arguments)
        assert "logs/app.log is torn" in said.stderr, arguments
        assert "deleted" not in said.stderr
    assert run("tail", "-o", "json").stdout == before
