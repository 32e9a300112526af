"""A call with a level that does not exist is logged at WARNING, says what was given, and is reported."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from kinds import Records, Run

from unified_logger import UnifiedLogger, get_stats


@pytest.mark.parametrize("given", ["NOTISE", "", " ", None, 2.5, b"INFO", [], 10**30, object])
@pytest.mark.parametrize("listened", [False, True])
def test_the_record_is_written(logger: UnifiedLogger, records: Records, given: Any, listened: bool) -> None:
    """With its fields, by position and by name, whatever was given."""
    if listened:
        logging.getLogger("app").addHandler(logging.NullHandler())
    malformed = get_stats()["malformed"]
    logger.log(given, "m %s", 1, order=7)
    logger.log(level=given, msg="m 1", order=7)
    logger.bind(order=7).log(given, "m 1")
    for record in records():
        assert (record["level"], record["message"], record["order"]) == ("WARNING", "m 1", 7)
        assert record["$level"] == str(given)
    assert len(records()) == 3
    assert get_stats()["malformed"] - malformed >= 3


def test_a_level_that_exists_is_not_reported(logger: UnifiedLogger, records: Records) -> None:
    """In any case, as a number, and as an integer of another class."""
    for given in ("info", "INFO", 20, True, 3_000, -1):
        logger.log(given, "m", given=given)
    assert not [record for record in records() if "$level" in record]


def test_a_level_is_known_at_the_limit_of_recursion(run_python: Run, log_dir: Path) -> None:
    """There `logging` cannot be asked for a name, and `catch` logs by name: an error is still an error."""
    done = run_python(
        """
import sys
from unified_logger import *
init_logging(log_dir="logs", console_format="off")
logger = get_logger("app")
logger.error("warm")

def at(depth, given):
    return logger.log(given, "m") if depth == 0 else at(depth - 1, given)

@logger.catch
def without_end():
    without_end()

without_end()
for given in ("ERROR", "error", 40):
    for left in range(60):
        try:
            at(sys.getrecursionlimit() - left, given)
        except RecursionError:
            pass
"""
    )
    found = [json.loads(line) for line in (log_dir / "app.log").read_text("utf-8").splitlines()]
    assert len(found) > 100
    assert {record["level"] for record in found} == {"ERROR"}
    assert done.stderr == ""


def test_it_is_reported_once(run_python: Run) -> None:
    """On standard error, for many calls. What was given is only in the record: it may be a secret."""
    done = run_python(
        """
from unified_logger import *
init_logging(log_dir="logs", console_format="off")
for _ in range(100):
    get_logger("app").log("NOTISE", "m")
"""
    )
    [line] = done.stderr.splitlines()
    assert "$level" in line
    assert "NOTISE" not in line


def test_near_the_end_it_is_written_too(run_python: Run, tmp_path: Any) -> None:
    """A destructor may log after everything else has ended."""
    run_python(
        """
from unified_logger import *
init_logging(log_dir="logs", console_format="off")
class Last:
    log = get_logger("app").log
    def __del__(self):
        self.log("NOTISE", "at the end")
import sys
sys.last = Last()
"""
    )
    found = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert [record["level"] for record in found if record["message"] == "at the end"] == ["WARNING"]
