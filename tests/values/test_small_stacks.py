"""Threads with little stack: what goes deep is represented up to a bound, and no call goes beyond the end of the stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

PROGRAM = """
import logging, sys, threading
from unified_logger import JSONFormatter, LoggingContext, flush_logging, get_logger, get_stats, init_logging

sys.setrecursionlimit(3_000)
kind, kilobytes = sys.argv[1], int(sys.argv[2])
init_logging(log_dir="logs", console_format="off", native_stdlib=True, queue_size=100_000)
logger, theirs = get_logger("app"), logging.getLogger("theirs")

def nested(depth, make):
    value = 1
    for _ in range(depth):
        value = make(value)
    return value

class Value:
    def __repr__(self):
        logger.info("inner", value=[Value()])
        return "value"

class Told(Exception):
    def __str__(self):
        logger.error("inner", exc_info=Told())
        return "told"

class Noted(Exception):
    @property
    def __notes__(self):
        return [Shown()]

class Shown:
    def __str__(self):
        logger.error("inner", exc_info=Noted())
        return "shown"

class Message:
    def __str__(self):
        logger.info(Message())
        return "message"

class Argument:
    def __str__(self):
        logger.info("inner %s", Argument())
        return "argument"

class Theirs:
    def __str__(self):
        theirs.info("inner %s", Theirs())
        return "theirs"
    __repr__ = __str__

class TheirValue:
    def __repr__(self):
        theirs.info("inner", extra={"value": TheirValue()})
        return "theirs"

def chain(depth):
    error = None
    for number in range(depth):
        outer = ValueError(number)
        outer.__cause__ = error
        error = outer
    return error

def run():
    if kind == "nested":
        for depth in range(1, 60):
            logger.info("nested", lists=nested(depth, lambda value: [value]), depth=depth)
            logger.info("nested", dicts=nested(depth, lambda value: {"a": value}), depth=depth)
            logger.info("nested", tuples=nested(depth, lambda value: (value,)), depth=depth)
            with LoggingContext(lists=nested(depth, lambda value: [value, 1.5, 10**30])):
                logger.info("nested", depth=depth)
            theirs.info("nested", extra={"lists": nested(depth, lambda value: [value]), "depth": depth})
    elif kind == "keys":
        logger.info("keys", keys={nested(40, lambda value: (value,)): 1})
    elif kind == "chain":
        logger.error("chain", exc_info=chain(30))
        record = logging.makeLogRecord({"exc_info": (ValueError, chain(30), None), "msg": "m"})
        JSONFormatter().format(record)
    elif kind == "redaction":
        init_logging(log_dir="logs", console_format="off", redaction=True)
        logger.info("redacted", password="hunter2")
    else:
        call = {
            "value": lambda: logger.info("outer", value=Value()),
            "exception": lambda: logger.error("outer", exc_info=Told()),
            "note": lambda: logger.error("outer", exc_info=Noted()),
            "message": lambda: logger.info(Message()),
            "argument": lambda: logger.info("outer %s", Argument()),
            "theirs": lambda: theirs.info("outer %s", Theirs()),
            "their value": lambda: theirs.info("outer", extra={"value": TheirValue()}),
        }[kind]
        call()
    logger.info("end")

least = 64 if sys.version_info >= (3, 14) else 32  # what Python takes
threading.stack_size(max(kilobytes, least) * 1024)
thread = threading.Thread(target=run)
thread.start()
thread.join()
assert flush_logging(60)
"""


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
