"""Answers that lack the records of a file are no whole answers: the exit status says so."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from kinds import Run

LINE = {
    "timestamp": "2026-02-19T10:00:00.000000Z",
    "level": "INFO",
    "logger": "a",
    "message": "x",
    "trace_id": "4bf92f3577b3",
    "process": 7,
}
COMMANDS = [
    ["tail"],
    ["tail", "-n", "all"],
    ["query", "level>=info"],
    ["query", "count"],
    ["trace", "4bf92f3577b3"],
    ["fields"],
    ["values", "level"],
    ["runs"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("bytes_left", [10, -30], ids=["beginning", "end"])
def test_the_status_is_2(run: Run, tmp_path: Path, command: list[str], bytes_left: int) -> None:
    """With what can be read all the same. Seen to fail where only standard error told of it, and said that the file was deleted."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "app.log").write_text(json.dumps(LINE) + "\n")
    whole = run(*command)
    assert (whole.returncode, whole.stderr) == (0, "")
    # Not even root reads what is torn.
    packed = gzip.compress(
        b"".join(json.dumps({**LINE, "number": number}).encode() + b"\n" for number in range(20_000))
    )
    (logs / "app.log.1.gz").write_bytes(packed[:bytes_left])
    part = run(*command)
    assert part.returncode == 2, part.stderr
    assert "app.log.1.gz" in part.stderr
    assert "deleted" not in part.stderr
    assert part.stdout.count("\n") >= whole.stdout.count("\n")
