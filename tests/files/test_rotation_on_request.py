"""Log files are changed for new ones when the program asks for it, or at a signal: once, by one process for all."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest
from kinds import Run, Start

from unified_logger import flush_logging, get_logger, get_stats, rotate_logging


def messages(path: Path) -> list[str]:
    """What the records of a file say, without those of the library."""
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [record["message"] for record in found if record["logger"] != "unified_logger"]


def files(log_dir: Path, name: str = "app") -> list[str]:
    return sorted(path.name for path in log_dir.glob(f"{name}*"))


def test_a_call_changes_each_file_that_has_records(start: Start, log_dir: Path) -> None:
    """What was logged before is in the old file, and an empty file is none to change."""
    start(outputs={"audit": {"file": "audit.log", "file_names": "dated"}})
    before = get_stats()["files"]["app"]["rotations"]
    assert rotate_logging(timeout=10)
    assert files(log_dir) == ["app.log"]
    get_logger("shop").info("before")
    for _ in range(2):
        assert rotate_logging(timeout=10)
    get_logger("shop").info("after")
    assert flush_logging(10)
    assert messages(log_dir / "app.log.1") == ["before"]
    assert messages(log_dir / "app.log") == ["after"]
    assert files(log_dir, "errors") == ["errors.log"]
    dated = [name for name in files(log_dir, "audit") if name != "audit.log"]
    assert [messages(log_dir / name) for name in dated] == [["before"]]
    assert get_stats()["files"]["app"]["rotations"] - before == 1


def test_a_file_of_which_none_may_stay_is_left(start: Start, log_dir: Path) -> None:
    """Nothing of it would be kept."""
    start(backup_count=0)
    get_logger("shop").info("m")
    assert rotate_logging(timeout=10)
    assert files(log_dir) == ["app.log"]
    assert messages(log_dir / "app.log") == ["m"]


def test_where_it_cannot_be_the_answer_says_so(start: Start, log_dir: Path) -> None:
    """And no record is lost."""
    start(backup_count=1)
    get_logger("shop").info("one")
    assert flush_logging(10)
    with (log_dir / ".unified_logger.lock").open("rb+") as lock:
        # Another process holds it, and is stuck.
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not rotate_logging(timeout=0.3)
    get_logger("shop").info("two")
    assert flush_logging(10)
    there = [path for path in (log_dir / "app.log.1", log_dir / "app.log") if path.exists()]
    assert [message for path in there for message in messages(path)] == ["one", "two"]


PROGRAM = """
import os, sys
from pathlib import Path
from unified_logger import flush_logging, get_logger, init_logging, rotate_logging, shutdown_logging
assert rotate_logging(), "nothing to do before the start"
init_logging(log_dir="logs", console_format="off", use_unified_logging=%s)
logs, log = Path("logs"), get_logger("shop").info
names = lambda: sorted(path.name for path in logs.glob("app*"))
"""


@pytest.mark.parametrize("unified", [True, False], ids=["engine", "fallback handlers"])
def test_it_works_before_a_start_after_an_end_and_without_the_engine(run_python: Run, unified: bool) -> None:
    """Records that come after the end are written by the calls themselves, and so are new files."""
    run_python(
        PROGRAM % unified
        + """
log("one")
assert rotate_logging(10)
log("two")
assert shutdown_logging()
assert rotate_logging(10) and rotate_logging()
log("three")
assert names() == ["app.log", "app.log.1", "app.log.2"]
assert [b"three" in (logs / "app.log").read_bytes(), b"two" in (logs / "app.log.1").read_bytes()] == [True, True]
"""
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_changes_the_files_before_its_first_record(run_python: Run) -> None:
    """For its parent too, which goes on in the new file and makes no further one."""
    run_python(
        PROGRAM % True
        + """
log("parent")
assert flush_logging(10)
child = os.fork()
if not child:
    os._exit(not rotate_logging(10))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert names() == ["app.log", "app.log.1"]
log("still the parent")
assert flush_logging(10)
assert names() == ["app.log", "app.log.1"]
assert b"still" in (logs / "app.log").read_bytes()
assert rotate_logging(10)
assert names() == ["app.log", "app.log.1", "app.log.2"]
"""
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_calls_while_everything_logs_lose_nothing(run_python: Run) -> None:
    """From several threads, in several processes of a directory."""
    run_python(
        """
import json, os, sys, threading
from pathlib import Path
from unified_logger import flush_logging, get_logger, init_logging, rotate_logging
children = []
for process in range(3):
    child = os.fork()
    if not child:
        init_logging(log_dir="logs", console_format="off", keep="all", log_level="INFO")
        def work(thread):
            for number in range(200):
                get_logger("shop").info("m", process=process, thread=thread, number=number)
                if number % 50 == 49 and not rotate_logging(60):
                    os._exit(2)
        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(2)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        os._exit(not flush_logging(60))
    children.append(child)
for child in children:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
lines = [line for path in Path("logs").glob("app.log*") for line in path.read_text().splitlines()]
found = [tuple(json.loads(line).get(key) for key in ("process", "thread", "number")) for line in lines]
assert len(found) == len(set(found)) == 3 * 2 * 200, len(found)
assert len(list(Path("logs").glob("app.log.*"))) <= 3 * 2 * 4
"""
    )
