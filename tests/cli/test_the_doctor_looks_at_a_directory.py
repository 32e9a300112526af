"""`unified-logger doctor` says whether a directory is healthy, and why a line does not appear."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

DIES = """
import os, signal
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off", black_box="dir")
get_logger("shop").info("sold")
flush_logging()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def logs(packed: Path) -> Path:
    return packed


def found(run: Run, *arguments: str) -> dict[str, list[dict[str, str]]]:
    """The findings that are not as they should be, by check."""
    done = run("doctor", "--json", *arguments)
    assert done.stderr == ""
    told = json.loads(done.stdout)
    by_check: dict[str, list[dict[str, str]]] = {}
    for finding in told["findings"]:
        if finding["severity"] in ("warning", "trouble") and finding["check"] != "space":
            by_check.setdefault(finding["check"], []).append(finding)
    return by_check


def test_nothing_is_wrong_with_a_healthy_directory(run: Run, logs: Path) -> None:
    """And nothing in it is changed."""
    before = {path: path.stat().st_mtime_ns for path in logs.rglob("*")}
    assert found(run) == {}
    assert {path: path.stat().st_mtime_ns for path in logs.rglob("*")} == before
    assert "core: unified_logger" in run("doctor").stdout


def test_a_directory_that_is_not_there_is_trouble(run: Run) -> None:
    """With what to do."""
    done = run("doctor", "missing")
    assert (done.returncode, "do: " in done.stdout, done.stderr) == (2, True, "")


def test_ends_of_files_are_looked_at(run: Run, logs: Path) -> None:
    """A torn line, and lines that are none. Seen to fail with ends not read."""
    with (logs / "app.log").open("ab") as file:
        file.write(b'\x1b[31mgarbage\n{"a": 1')
    told = found(run)
    assert {finding["severity"] for finding in told.pop("lines")} == {"warning"}
    assert told == {}
    done = run("doctor")
    assert (done.returncode, "\x1b" in done.stdout) == (1, False)


def test_a_clock_that_was_set_back_is_told(run: Run, tmp_path: Path) -> None:
    """Between two files of a set. Seen to fail with files in the order of their times."""
    logs = tmp_path / "logs"
    logs.mkdir()
    line = '{{"timestamp":"2026-02-19T{}:00Z","level":"INFO","logger":"shop","message":"m"}}\n'
    (logs / "app.log.1").write_text(line.format("12:00"), "utf-8")
    (logs / "app.log").write_text(line.format("10:30"), "utf-8")
    os.utime(logs / "app.log.1", (1_700_000_000, 1_700_000_000))
    run("retention", "logs", "--keep", "all")  # It makes the catalogue.
    assert "90 minutes" in found(run)["clocks"][0]["what"]


def test_what_dead_processes_left_is_told(run: Run, run_python: Callable[..., Any], tmp_path: Path) -> None:
    """A black box and a packed file that is not finished. Seen to fail with boxes not looked at."""
    run_python(DIES, check=False)
    left = tmp_path / "logs" / ".app.log.1.zst.unified_logger-packing"
    left.write_bytes(b"half")
    with left.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "leftovers" not in found(run)  # Somebody is at it.
    told = found(run)
    assert left.name in told["leftovers"][0]["what"]
    assert told["boxes"][0]["do"] == "unified-logger recover logs"
    assert run("recover", "logs").returncode == 0
    assert "boxes" not in found(run)


def test_a_catalogue_that_is_damaged_or_untrue_is_told(run: Run, logs: Path) -> None:
    """Seen to fail with names not compared."""
    (logs / "app.log.2.zst").unlink()
    assert "app.log.2.zst" in found(run)["catalogue"][0]["what"]
    (logs / ".unified_logger" / "catalogue").write_bytes(b"damaged\n")
    assert "it is damaged" in found(run)["catalogue"][0]["what"]


def test_bounds_and_errors_of_a_configuration_are_told(run: Run, logs: Path) -> None:
    """Seen to fail without the dry run."""
    config = logs.parent / "logging.yaml"
    config.write_text("log_dir: logs\nkeep: {files: 1}\nmax_bytes: 4000\n", "utf-8")
    assert "logs --config logging.yaml" in found(run, "--config", "logging.yaml")["retention"][0]["do"]
    config.write_text("log_dir: elsewhere\nqueue_size: many\n", "utf-8")
    told = found(run, "logs", "--config", "logging.yaml")
    assert [finding["severity"] for finding in told["configuration"]] == ["trouble", "warning"]


def why(run: Run, *arguments: str) -> tuple[int, list[str], dict[str, tuple[str, str]]]:
    done = run("doctor", "--json", "--why", *arguments)
    assert done.stderr == ""
    told = json.loads(done.stdout)
    return done.returncode, told["outputs"], {gate["name"]: (gate["result"], gate["key"]) for gate in told["gates"]}


def test_the_option_that_stops_a_record_is_named(run: Run, tmp_path: Path) -> None:
    """Level, sampling and outputs, each by itself. Seen to fail with levels of parents not asked."""
    (tmp_path / "c.yaml").write_text(
        "log_level: WARNING\n"
        "levels: {shop.db: DEBUG}\n"
        "file_level: INFO\n"
        "sampling: {rules: [{logger: shop.db, rate: 0.1}]}\n"
        "outputs: {audit: {file: audit.log, level: DEBUG, loggers: ['shop.*']}}\n",
        "utf-8",
    )
    status, outputs, gates = why(run, "shop.db.pool", "DEBUG", "--config", "c.yaml")
    assert (status, outputs) == (0, ["audit"])
    assert gates["level"] == ("passes", "levels.shop.db (c.yaml:2)")
    assert gates["sampling"][0] == "depends"
    assert gates["output app"] == ("stops", "file_level (c.yaml:3)")
    assert gates["output console"] == ("stops", "console_level (default)")
    assert gates["output audit"][0] == "passes"
    status, outputs, gates = why(run, "cart", "INFO", "--config", "c.yaml")
    assert (status, outputs) == (1, [])
    assert gates["level"] == ("stops", "log_level (c.yaml:1)")
    assert gates["output audit"] == ("stops", "outputs.audit.loggers (c.yaml:5)")
    assert run("doctor", "--why", "shop", "LOUD").returncode == 2


def test_the_process_of_the_directory_is_asked(run: Run, run_python: Callable[..., Any], tmp_path: Path) -> None:
    """By its black box, where no file is given. Seen to fail with the environment asked."""
    import subprocess
    import sys

    program = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from unified_logger import init_logging\n"
            "init_logging(log_dir='logs', file_level='ERROR', console_format='off', black_box='dir')\n"
            "print('ready', flush=True)\ninput()",
        ],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        status, outputs, gates = why(run, "shop", "WARNING")
        assert (status, outputs, gates["output app"][0]) == (1, [], "stops")
        assert gates["level"][0] == "unknown"
        # Its box is none of a dead process, and is not taken from it.
        done = run("recover", "logs", "--copied", "--json")
        assert (done.returncode, json.loads(done.stdout)["boxes"]) == (0, 0)
    finally:
        program.communicate("\n", timeout=60)
    assert program.returncode == 0
