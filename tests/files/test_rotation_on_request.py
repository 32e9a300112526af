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


SIGNALLED = """
import os, signal, sys, time
from pathlib import Path
from unified_logger import flush_logging, get_logger, init_logging, shutdown_logging
logs, log = Path("logs"), get_logger("shop").info
names = lambda: sorted(path.name for path in logs.glob("app*"))
def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, names()
        time.sleep(0.01)
def start(**options):
    init_logging(log_dir="logs", console_format="off", **options)
"""
POSIX = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no such signals")


@POSIX
@pytest.mark.parametrize("name", ["SIGUSR1", "usr2", 12, "SIGRTMIN+3"])
def test_a_signal_changes_the_files(run_python: Run, name: object) -> None:
    """A handler that was there before is called too, and comes back when logging is started without the signal."""
    run_python(
        SIGNALLED
        + f"""
names_of = {{"SIGUSR1": 10, "usr2": 12, "SIGRTMIN+3": signal.SIGRTMIN + 3}}
number = names_of.get({name!r}, {name!r})
seen = []
mine = lambda number, frame: seen.append(number)
signal.signal(number, mine)
start(rotate={{"signal": {name!r}}})
log("one")
os.kill(os.getpid(), number)
wait_for(lambda: names() == ["app.log", "app.log.1"])
assert seen == [number]
log("two")
assert flush_logging(10) and b"two" in (logs / "app.log").read_bytes()
start()
assert signal.getsignal(number) is mine
start(rotate={{"signal": {name!r}}})
shutdown_logging()
log("three")
time.sleep(2.1)
os.kill(os.getpid(), number)
wait_for(lambda: len(names()) == 3)
"""
    )


@POSIX
def test_a_signal_to_all_workers_changes_a_file_once(run_python: Run) -> None:
    """Also of those that were forked after the start, and have logged nothing yet."""
    run_python(
        SIGNALLED
        + """
start(rotate={"signal": "SIGUSR1"})
log("parent")
assert flush_logging(10)
children = []
for number in range(4):
    read, write = os.pipe()
    child = os.fork()
    if not child:
        if number % 2:
            log("child")
            assert flush_logging(10)
        os.write(write, b"x")
        while True:
            time.sleep(0.01)
            log("m")
    assert os.read(read, 1) == b"x"
    children.append(child)
time.sleep(0.2)
for pid in [os.getpid(), *children]:
    os.kill(pid, signal.SIGUSR1)
wait_for(lambda: "app.log.1" in names())
time.sleep(1)
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
assert names() == ["app.log", "app.log.1"], names()
"""
    )


@POSIX
def test_only_the_main_thread_can_take_the_signal(run_python: Run, tmp_path: Path) -> None:
    """Started elsewhere, logging says that the signal is not handled, and works."""
    run_python(
        SIGNALLED
        + """
import threading
thread = threading.Thread(target=start, kwargs={"rotate": {"signal": "SIGUSR1"}})
thread.start()
thread.join()
assert flush_logging(10)
assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
"""
    )
    assert "rotate.signal: SIGUSR1 is not handled" in (tmp_path / "logs" / "app.log").read_text("utf-8")


@POSIX
def test_one_signal_may_be_for_the_files_and_for_the_configuration(run_python: Run) -> None:
    """Each has a handler of its own."""
    run_python(
        SIGNALLED
        + """
from unified_logger import init_logging_from_config
path = Path("logging.yaml")
path.write_text("reload_signal: SIGHUP\\nrotate: {signal: SIGHUP}\\nlog_level: INFO\\nlog_dir: logs\\nconsole_format: off\\n")
init_logging_from_config(path)
log("one")
path.write_text(path.read_text().replace("INFO", "ERROR"))
os.kill(os.getpid(), signal.SIGHUP)
wait_for(lambda: "app.log.1" in names() and not get_logger("shop").isEnabledFor(20))
"""
    )
