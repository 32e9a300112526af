"""`USE_UNIFIED_LOGGING=false`: the same API, files and keys, served by fallback handlers."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kinds import Records, Run

from unified_logger import LoggingContext, flush_logging, get_logger, get_stats, init_logging, shutdown_logging


@pytest.fixture
def plain(log_dir: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[None]:
    """A process started that way; the native core is back afterwards."""
    monkeypatch.setenv("USE_UNIFIED_LOGGING", "false")
    init_logging(log_dir=str(log_dir), console_format="off")
    yield
    monkeypatch.delenv("USE_UNIFIED_LOGGING")
    init_logging(log_dir=str(tmp_path / "after"), console_format="off")


def log_everything() -> None:
    """Each kind of record once."""
    logger = get_logger("app")
    logger.info("plain %d", 1, order=7, level="odd", tags={"b", "a"})
    logger.debug("below")
    with LoggingContext(trace_id="t", span_id="s", tenant=3):
        try:
            raise ValueError("v")
        except ValueError:
            logger.exception("failed", data_id="123")
    get_logger("app.ai").info("by name")
    logger.ai("by method", model="m")
    logging.getLogger("theirs").warning("theirs", extra={"q": 1})
    quiet = get_logger("quiet")
    quiet.logger.propagate = False
    quiet.info("not propagated")


@pytest.mark.usefixtures("plain")
def test_files_and_keys_are_the_same(log_dir: Any, records: Records, tmp_path: Any, monkeypatch: Any) -> None:
    """Record for record, but for time, line numbers and where the exception's file was cut."""
    names = ("app.log", "errors.log", "ai_responses.log")
    log_everything()
    by_fallback = {name: records(name) for name in names}
    monkeypatch.setenv("USE_UNIFIED_LOGGING", "true")
    for name in names:
        (log_dir / name).unlink()
    init_logging(log_dir=str(log_dir), console_format="off")
    log_everything()
    by_core = {name: records(name) for name in names}
    for name in names:
        assert [list(record) for record in by_fallback[name]] == [list(record) for record in by_core[name]]
        for one, other in zip(by_fallback[name], by_core[name], strict=True):
            assert {**one, "timestamp": ""} == {**other, "timestamp": ""}


@pytest.mark.usefixtures("plain")
def test_counts_add_up(records: Records) -> None:
    """Accepted is written; nothing is dropped."""
    before = get_stats()
    get_logger("app").info("one")
    get_logger("app").error("two")
    assert flush_logging(1)
    after = get_stats()
    difference = {name: after[name] - before[name] for name in ("accepted", "written", "dropped", "failed")}
    assert difference == {"accepted": 2, "written": 2, "dropped": 0, "failed": 0}
    assert after["files"]["errors"]["written"] - before["files"]["errors"]["written"] == 1
    assert len(records()) == 2


@pytest.mark.usefixtures("plain")
def test_shutdown_and_late_records(records: Records) -> None:
    """Both work."""
    assert shutdown_logging() is True
    get_logger("app").info("late")
    assert [record["message"] for record in records()] == ["late"]


def test_a_console_that_was_closed_keeps_no_one_from_ending(run_python: Callable[..., Any]) -> None:
    """A program that closes its standard error can flush and shut down."""
    done = run_python(
        """
import sys
from unified_logger import flush_logging, get_logger, init_logging, shutdown_logging

init_logging(log_dir="logs", use_unified_logging=False)
get_logger("app").info("said")
sys.stderr.close()
print(flush_logging(), shutdown_logging())
""",
        check=False,
    )
    assert done.stdout == "True True\n"


def test_what_was_logged_before_the_start_is_delivered(run_python: Callable[..., Any], tmp_path: Any) -> None:
    """Into each file and the console, redacted, before what comes later; nothing is counted as dropped, and nothing rotates meanwhile.

    Seen to fail (nothing of it anywhere, and all of it dropped) with it left out.
    """
    done = run_python(
        """
import logging
from unified_logger import flush_logging, get_logger, get_stats, init_logging
logger = get_logger("app")
logger.debug("below")
for number in range(50):
    logger.info("early", number=number)
logger.error("early", password="hunter2")
logger.ai("early")
init_logging(log_dir="logs", use_unified_logging=False, max_bytes=1000, redaction=True, console_format="text")
for number in range(2):
    logger.info("late", number=50 + number)
assert flush_logging()
stats = get_stats()
assert (stats["accepted"], stats["written"], stats["dropped"], stats["filtered"]) == (54, 54, 0, 1), stats
assert stats["files"]["app"]["written"] == 54, stats
"""
    )
    logs = tmp_path / "logs"
    assert sorted(path.name for path in logs.glob("*.log*")) == [
        "ai_responses.log",
        "app.log",
        "app.log.1",
        "errors.log",
    ]
    texts = {path.name: path.read_text(encoding="utf-8") for path in logs.glob("*.log*")}
    lines = [json.loads(line) for line in (texts["app.log.1"] + texts["app.log"]).splitlines()]
    assert [line["number"] for line in lines if "number" in line] == [*range(52)]
    assert len(texts["errors.log"].splitlines()) == len(texts["ai_responses.log"].splitlines()) == 1
    assert len(done.stderr.splitlines()) == 54
    assert "hunter2" not in str(texts) + done.stderr


def test_records_from_before_the_start_are_only_appended(run_python: Run, tmp_path: Path) -> None:
    """The engine that writes them rotates, packs and deletes nothing: the files are those of the fallback handlers.

    Fails if the engine has the options for that.
    """
    logs = tmp_path / "logs"
    logs.mkdir()
    old = '{"message":"old"}\n'
    names = ["app.log", *(f"app.log.{number}" for number in range(1, 4))]
    for name in names:
        (logs / name).write_text(old, encoding="utf-8")
    run_python(
        """
import time
from unified_logger import flush_logging, get_logger, init_logging
get_logger("shop").info("early")
init_logging(
    log_dir="logs", use_unified_logging=False, console_format="off", max_bytes=1000, current_link=True, compress="zstd",
    rotate={"every": "1s", "at_start": True}, keep={"files": 1, "total": {"files": 1}}, outputs={"app": {"keep": {"files": 1}}},
)
get_logger("shop").info("late")
assert flush_logging(10)
"""
    )
    assert sorted(path.name for path in logs.glob("app*")) == names
    assert all((logs / name).read_text("utf-8") == old for name in names[1:])
    found = [json.loads(line)["message"] for line in (logs / "app.log").read_text("utf-8").splitlines()]
    assert [message for message in found if "no effect" not in message] == ["old", "early", "late"]
