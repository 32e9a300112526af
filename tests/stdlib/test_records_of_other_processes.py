"""A record that another process sends is written here, with all it says, unless that process writes to the same files."""

from __future__ import annotations

import copy
import json
import logging
import logging.handlers
import os
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Records

from unified_logger import Handler, JSONFormatter, LoggingContext, UnifiedLogger, get_logger

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


@pytest.mark.parametrize("unified", [True, False], ids=["engine", "plain"])
@pytest.mark.parametrize("how", ["socket", "queue"])
def test_it_has_the_number_of_its_process(
    start: Any, records: Records, sent: Callable[..., Any], tmp_path: Path, how: str, unified: bool
) -> None:
    """In the files and as formatted. Seen to fail with the number of the process that writes."""
    start(use_unified_logging=unified, console_format="off")
    came = sent(tmp_path / "elsewhere", how)
    assert os.getpid() not in {record.process for record in came}
    lines = [JSONFormatter().format(record) for record in came]
    for record in came:
        logging.getLogger().handle(record)
    logging.getLogger("theirs").warning("here")
    logging.getLogger("theirs").error("here", extra={"order_id": 1})
    get_logger("ours").warning("here")
    expected = [record.process for record in came]
    assert [json.loads(line)["process"] for line in lines] == expected
    assert [record["process"] for record in records()] == [*expected, *[os.getpid()] * 3]


@pytest.mark.parametrize("unified", [True, False], ids=["engine", "plain"])
def test_what_is_no_number_of_a_process_is_that_of_the_writer(start: Any, records: Records, unified: bool) -> None:
    """Somebody has made the record, or `logging` was told to leave it out."""
    start(use_unified_logging=unified, console_format="off")
    given = [None, 0, -1, True, "7", 1.0, 1 << 32, 1 << 200, 7, (1 << 32) - 1]
    for process in given:
        logging.getLogger().handle(logging.makeLogRecord({"msg": "m", "levelno": 30, "process": process}))
    assert [record["process"] for record in records()] == [os.getpid()] * 8 + [7, (1 << 32) - 1]


def lines_of(file: Path) -> list[dict[str, Any]]:
    """The records of a file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


FORKED = """
import logging, os, sys
from unified_logger import flush_logging, init_logging
init_logging(log_dir="logs", console_format="off")
handler = logging.getLogger().handlers[0]
records = [logging.makeLogRecord({"msg": "m", "levelno": 30}) for _ in range(3)]
handler.handle(records[0])
flush_logging(10)
if os.fork() == 0:
    handler.handle(records[1])
    handler.handle(logging.makeLogRecord({"msg": "m", "levelno": 30}))
    flush_logging(10)
    os._exit(0)
child, status = os.wait()
assert status == 0
handler.handle(records[2])
print(os.getpid(), child)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_knows_its_parents_records(
    run_python: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """Those that were made before the fork. Seen to fail with the number of the process that writes."""
    parent, child = map(int, run_python(FORKED).stdout.split())
    found = [record["process"] for record in lines_of(tmp_path / "logs" / "app.log")]
    assert found == [parent, parent, child, parent]


KILLED = """
import logging, os, signal
from unified_logger import init_logging
init_logging(log_dir="logs", console_format="off")
handler = logging.getLogger().handlers[0]
print(os.getpid(), flush=True)
# Right before the end, so that the last are not written yet.
for number in range(300):
    handler.handle(logging.makeLogRecord({"msg": "m", "levelno": 30, "process": 4242 if number % 2 else os.getpid()}))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="there is no black box")
def test_a_recovered_record_has_it_too(
    run_python: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """Whoever writes the records of a process that died writes whose each was, and none twice."""
    died = int(run_python(KILLED, check=False).stdout)
    run_python('from unified_logger import init_logging\ninit_logging(log_dir="logs", console_format="off")')
    found = [record for record in lines_of(tmp_path / "logs" / "app.log") if record["message"] == "m"]
    assert [record["process"] for record in found] == [died, 4242] * 150
    assert any(record.get("recovered") for record in found)
