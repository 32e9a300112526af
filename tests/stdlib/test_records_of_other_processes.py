"""A record that another process sends is written here, with all it says, unless that process writes to the same files."""

from __future__ import annotations

import copy
import logging
import logging.handlers
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unified_logger import Handler, LoggingContext, UnifiedLogger, get_logger

Records = Callable[..., list[dict[str, Any]]]

# Logs to a directory of its own or to the given one, and gives what its `SocketHandler` and a queue would send to standard output.
SENDER = """
import logging, logging.handlers, pickle, sys
from unified_logger import LoggingContext, flush_logging, get_logger, init_logging

class Pickled(logging.Handler):
    def emit(self, record):
        how = sys.argv[2]
        if how == "socket":
            text = logging.handlers.SocketHandler("127.0.0.1", 1).makePickle(record)[4:]
        else:
            text = pickle.dumps(logging.handlers.QueueHandler(None).prepare(record))
        print(text.hex())

init_logging(log_dir=sys.argv[1], console_format="off")
logging.getLogger().addHandler(Pickled())
with LoggingContext(trace_id="t", span_id="s", tenant=1):
    logging.getLogger("theirs").warning("theirs %d", 1, extra={"order_id": 7})
    get_logger("ours").warning("ours %d", 2, order_id=8, name="n")
flush_logging()
"""


@pytest.fixture
def sent(run_python: Callable[..., Any]) -> Callable[[Path, str], list[logging.LogRecord]]:
    """The records that another process sends which writes to a directory."""

    def sent(directory: Path, how: str) -> list[logging.LogRecord]:
        done: subprocess.CompletedProcess[str] = run_python(SENDER, str(directory), how)
        found = [pickle.loads(bytes.fromhex(line)) for line in done.stdout.split()]
        return [logging.makeLogRecord(record) if isinstance(record, dict) else record for record in found]

    return sent


@pytest.mark.parametrize("how", ["socket", "queue"])
def test_it_is_written_here_too(
    logger: UnifiedLogger, records: Records, sent: Callable[..., Any], tmp_path: Path, how: str
) -> None:
    """Once, with its fields; one of `get_logger` with its own context, whatever is current here."""
    with LoggingContext(trace_id="receiver"):
        for record in sent(tmp_path / "elsewhere", how):
            logging.getLogger().handle(record)
            Handler().handle(record)
    theirs, ours = records()
    assert (theirs["message"], theirs["order_id"], theirs["logger"]) == ("theirs 1", 7, "theirs")
    assert (ours["message"], ours["order_id"], ours["name"]) == ("ours 2", 8, "n")
    assert (ours["trace_id"], ours["span_id"], ours["tenant"], ours["logger"]) == ("t", "s", 1, "ours")
    assert not [key for record in (theirs, ours) for key in record if "unified_logger" in key]


def test_it_is_not_written_twice_to_the_same_files(
    logger: UnifiedLogger, records: Records, sent: Callable[..., Any], log_dir: Path
) -> None:
    """What both processes log to has it already."""
    for record in sent(log_dir, "socket"):
        logging.getLogger().handle(record)
    assert sorted(record["message"] for record in records()) == ["ours 2", "theirs 1"]


def test_what_is_sent_needs_nothing_of_this_library(logger: UnifiedLogger) -> None:
    """Whoever receives it need not have it."""
    seen: list[logging.LogRecord] = []
    target = logging.getLogger("ours")
    target.addHandler(handler := logging.handlers.BufferingHandler(10))
    handler.buffer = seen
    get_logger("ours").warning("m", order_id=8)
    target.removeHandler(handler)
    assert b"unified_logger.stdlib" not in pickle.dumps(seen[0])


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_in_this_process_is_not_written_again(
    logger: UnifiedLogger, records: Records, copied: Callable[[Any], Any]
) -> None:
    """Queues make copies."""
    record = logging.makeLogRecord({"msg": "once", "levelno": 30, "levelname": "WARNING"})
    Handler().handle(record)
    Handler().handle(copied(record))
    assert len(records()) == 1
