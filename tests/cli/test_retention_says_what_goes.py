"""`unified-logger retention` says which rotated files go, by which rule, and deletes them."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kinds import Run

RECORD = '{"timestamp":"2026-02-19T10:30:00Z","level":"INFO","logger":"shop","message":"%s"}\n'
CONFIG = "log_dir: logs\nkeep: {files: 2, age: 1000w}\n"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Four rotated files, one of another program, and the configuration that keeps two."""
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(4, 0, -1):
        (logs / f"app.log.{number}").write_text(RECORD % number, "utf-8")
        os.utime(logs / f"app.log.{number}", (1_700_000_000 - number, 1_700_000_000 - number))
    (logs / "app.log.5").write_text("of another program\n", "utf-8")
    (logs / "app.log").write_text(RECORD % "current", "utf-8")
    (tmp_path / "logging.yaml").write_text(CONFIG, "utf-8")
    return logs


def rotated(logs: Path) -> list[str]:
    return sorted(path.name for path in logs.glob("app.log.*"))


def test_a_dry_run_says_what_would_go_and_deletes_nothing(run: Run, logs: Path) -> None:
    """File, rule and size, and with --all what stays. Nothing is written to the directory."""
    before = rotated(logs)
    done = run("retention", "--config", "logging.yaml", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [(row[0], row[1], row[2], row[-1]) for row in rows[:-1]] == [
        ("would", "go", "files", "app.log.4"),
        ("would", "go", "files", "app.log.3"),
    ]
    assert done.stdout.splitlines()[-1] == "2 files (164 B) would go, 2 files (164 B) stay"
    told = run("retention", "--config", "logging.yaml", "--dry-run", "--all").stdout
    assert "not ours  app.log.5" in told
    assert [line.split()[-1] for line in told.splitlines() if line.startswith("stays")] == ["app.log.2", "app.log.1"]
    assert rotated(logs) == before
    assert not (logs / ".unified_logger").exists()


def test_what_was_said_is_done(run: Run, logs: Path) -> None:
    """A second run finds nothing to do."""
    would = json.loads(run("retention", "--config", "logging.yaml", "--dry-run", "--json").stdout)
    done = json.loads(run("retention", "--config", "logging.yaml", "--json").stdout)
    assert [file["file"] for file in done["goes"]] == [file["file"] for file in would["goes"]]
    assert done["totals"]["goes"] == {"files": 2, "bytes": 164, "unshipped": 0}
    assert rotated(logs) == ["app.log.1", "app.log.2", "app.log.5"]
    again = run("retention", "--config", "logging.yaml")
    assert (again.returncode, again.stdout) == (0, "0 files (0 B) deleted, 2 files (164 B) stay\n")


def test_bounds_may_be_given_as_text(run: Run, logs: Path) -> None:
    """In the place of those of the file."""
    done = run("retention", "logs", "--keep", '{"files": 1}', "--json")
    assert [file["file"] for file in json.loads(done.stdout)["goes"]] == ["app.log.4", "app.log.3", "app.log.2"]
    done = run("retention", "--config", "logging.yaml", "--keep", "all", "--dry-run")
    assert done.stdout.startswith("0 files (0 B) would go, 1 file (82 B) stays")
    assert rotated(logs) == ["app.log.1", "app.log.5"]


def test_bounds_hold_for_files_with_some_of_their_own(run: Run, logs: Path) -> None:
    """All of them are in the place of those of the file. Seen to fail: the bounds of an output deleted what was to stay."""
    (logs.parent / "logging.yaml").write_text("log_dir: logs\noutputs: {app: {keep: {files: 1}}}\n", "utf-8")
    done = run("retention", "--config", "logging.yaml", "--keep", "all")
    assert (done.returncode, done.stdout.split(" ")[0]) == (0, "0")
    done = run("retention", "--config", "logging.yaml", "--keep", '{"files": 3}', "--json")
    assert [file["file"] for file in json.loads(done.stdout)["goes"]] == ["app.log.4"]
    done = run("retention", "--config", "logging.yaml", "--json")
    assert [file["file"] for file in json.loads(done.stdout)["goes"]] == ["app.log.3", "app.log.2"]


@pytest.mark.usefixtures("logs")
def test_a_reader_that_has_seen_enough_ends_it(tmp_path: Path) -> None:
    """As `head` does. Seen to fail with a traceback."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "unified_logger.cli", "retention", "--config", "logging.yaml", "--dry-run"]
    done = subprocess.run(
        command, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["logs", "--keep", "{}"], "command line: --keep"),
        (["logs", "--keep", '{"total": {}}'], "command line: --keep.total"),
        (["logs"], "--keep with bounds"),
        (["logs", "--keep", '{"files": 0}'], "a whole number from 1, or all"),
        (["logs", "--keep", "some"], "--keep"),
        (["logs", "--config", "missing.yaml"], "missing.yaml"),
        (["missing", "--keep", "all"], "'missing' is not a directory"),
        (["", "--keep", "all"], ""),
    ],
)
@pytest.mark.usefixtures("logs")
def test_what_is_wrong_is_said(run: Run, arguments: list[str], reason: str) -> None:
    """Bounds are never guessed: a program may have been configured in code to keep all."""
    done = run("retention", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("unified-logger retention: ")
    assert reason in done.stderr


def test_one_process_at_a_time_deletes(run: Run, logs: Path) -> None:
    """The one that has the lock of the upkeep."""
    run("retention", "--config", "logging.yaml", "--keep", "all")
    with (logs / ".unified_logger" / "upkeep.lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run("retention", "--config", "logging.yaml")
        assert (done.returncode, "another process" in done.stderr) == (3, True)
        assert run("retention", "--config", "logging.yaml", "--dry-run").returncode == 0
    assert run("retention", "--config", "logging.yaml").returncode == 0
    assert len(rotated(logs)) == 3


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_root_deletes_nothing_in_the_directory_of_another_user(run: Run, logs: Path) -> None:
    """What root wrote to the catalogue there, the user could not change. Root may look."""
    os.chown(logs, 12345, 12345)
    done = run("retention", "--config", "logging.yaml")
    assert (done.returncode, "belongs to another user" in done.stderr) == (2, True)
    assert run("retention", "--config", "logging.yaml", "--dry-run").returncode == 0
    assert len(rotated(logs)) == 5
