"""A record whose call returned is on disk however the process ends, once and in order.

With boxes turned off what the writer had not written is gone, and all of this was seen to fail: certainly where the writer is
kept from writing, nearly always where it is raced. `test_an_orderly_end_leaves_nothing` is the exception.
"""

from __future__ import annotations

import mmap
import signal
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from kinds import Check

# What the ends need is imported first: an import would give the writer its time.
LOG = """
import ctypes, faulthandler
init_logging(log_dir="logs", console_format="off"{options})
logger = get_logger("app")
for number in range({count}):
    logger.info("m", number=number)
"""
ENDS = {
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM)",
    "SIGSEGV": "os.kill(os.getpid(), signal.SIGSEGV)",
    "a real segmentation fault": "ctypes.string_at(0)",
    "abort": "os.abort()",
    "os._exit": "os._exit(0)",
    "exec of another program": "os.execv('/bin/true', ['true'])",
    "exec of Python": "os.execv(sys.executable, [sys.executable, '-c', 'pass'])",
    "SIGHUP": "os.kill(os.getpid(), signal.SIGHUP)",
    "SIGQUIT": "os.kill(os.getpid(), signal.SIGQUIT)",
    "Py_FatalError": "faulthandler._fatal_error_c_thread(); time.sleep(20)",
}


@pytest.mark.parametrize("end", ENDS)
def test_five_thousand_records_survive(site: Any, exactly_once: Check, end: str) -> None:
    """Recovered by the command, and told with the number of the process that died."""
    process = site.start(LOG.format(options="", count=5_000) + ENDS[end])
    process.communicate(timeout=60)
    done = site.recover()
    assert done.returncode == 0, done.stderr
    exactly_once(site.numbers(), 5_000)
    recovered = [line for line in site.lines() if line.get("recovered")]
    assert [notice["records"] for notice in site.notices()] == ([len(recovered)] if recovered else [])
    assert all(notice["pid"] == process.pid for notice in site.notices())
    # Seen to fail ("unknown") with the name of the thread that recovers, which is one of Python's.
    assert {notice["thread"] for notice in site.notices()} <= {"unified_logger"}
    assert site.boxes() == []


@pytest.mark.parametrize("end", ENDS)
def test_what_the_writer_had_no_time_to_write_survives(site: Any, exactly_once: Check, end: str) -> None:
    """Nothing can be written for as long as the process lives: all of it is in the box, and marked."""
    site.run(
        """
import ctypes, faulthandler
init_logging(log_dir="logs", console_format="off")
# A directory where the file should be, for what comes after it.
os.unlink("logs/app.log")
os.mkdir("logs/app.log")
logger = get_logger("app")
for number in range(500):
    logger.info("m", number=number)
"""
        + ENDS[end]
    )
    (site.logs / "app.log").rmdir()
    assert site.recover().returncode == 0
    exactly_once(site.numbers(), 500)
    assert all(line["recovered"] for line in site.lines() if line["logger"] == "app")
    assert [notice["records"] for notice in site.notices()] == [500]


@pytest.mark.parametrize("place", ["dir", "shm"])
def test_records_survive_with_a_full_queue_and_a_disk_that_takes_nothing(
    site: Any, exactly_once: Check, place: str
) -> None:
    """Every record that was accepted while nothing could be written is there once something can."""
    site.run(
        f"""
import pathlib, shutil
init_logging(log_dir="logs", console_format="off", black_box={place!r}, queue_size=4000)
# Files that cannot be written: what waits in the queue and at the sink is in no file yet.
for name in ("app.log", "errors.log"):
    pathlib.Path("logs", name).unlink()
    pathlib.Path("logs", name).mkdir()
logger = get_logger("app")
for number in range(4000):
    logger.error("m", number=number)
time.sleep(0.2)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    for name in ("app.log", "errors.log"):
        (site.logs / name).rmdir()
    assert site.recover().returncode == 0
    for name in ("app.log", "errors.log"):
        exactly_once(site.numbers(name), 4_000)
    assert all(line["recovered"] for line in site.lines("errors.log"))


def test_the_next_start_recovers(site: Any, exactly_once: Check) -> None:
    """Before its own records, without anybody asking for it."""
    site.run(LOG.format(options="", count=2_000) + ENDS["SIGKILL"])
    done = site.run(
        """
init_logging(log_dir="logs", console_format="off")
get_logger("second").info("m", number=0)
assert flush_logging(20)
print(get_stats()["recovered"])
"""
    )
    exactly_once(site.numbers(), 2_000)
    assert int(done.stdout) == sum("recovered" in line for line in site.lines())
    assert [line["logger"] for line in site.lines()][-1] == "second"


def test_a_living_process_recovers_within_seconds(site: Any, exactly_once: Check, wait: Callable[..., Any]) -> None:
    """One that logs to the directory already finds the box of another that died."""
    watcher = site.start(
        'init_logging(log_dir="logs", console_format="off"); print("ready", flush=True); time.sleep(60)'
    )
    assert watcher.stdout.readline() == "ready\n"
    site.run(LOG.format(options="", count=3_000) + ENDS["SIGKILL"])
    wait(lambda: len(site.boxes()) == 1)
    exactly_once(site.numbers(), 3_000)
    site.kill(watcher, signal.SIGTERM)


def test_each_thread_keeps_its_order(site: Any) -> None:
    """Four threads log until the process is killed; each one's numbers count up from 0 to that of its last call that returned."""
    (site.path / "returned").write_bytes(bytes(4 * 8))
    process = site.start(
        """
import mmap, struct
init_logging(log_dir="logs", console_format="off", max_bytes=300_000, backup_count=1_000)
with open("returned", "r+b") as file:
    returned = mmap.mmap(file.fileno(), 0)
def work(thread):
    for number in range(10_000_000):
        get_logger("app").info("m", thread_number=thread, number=number)
        struct.pack_into("=q", returned, thread * 8, number + 1)
for thread in range(4):
    threading.Thread(target=work, args=(thread,)).start()
print("ready", flush=True)
"""
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    site.kill(process)
    assert site.recover().returncode == 0
    with open(site.path / "returned", "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        returned = struct.unpack("=4q", memory)
    lines = site.lines()
    for thread in range(4):
        own = [line["number"] for line in lines if line.get("thread_number") == thread]
        assert own == list(range(len(own)))
        # A call may have been at its end when the process was killed.
        assert 0 < returned[thread] <= len(own) <= returned[thread] + 1


def test_recovered_records_look_as_they_would_have(site: Any) -> None:
    """Names, fields, context, exceptions, level names and routes: all of it but the mark is as if written by the process itself."""
    code = """
import logging
from unified_logger import LoggingContext
logging.addLevelName(25, "NOTICE")
init_logging(log_dir="logs", console_format="off", black_box="dir")
if {hold}:
    import pathlib
    for name in ("app.log", "errors.log", "ai_responses.log"):
        pathlib.Path("logs", name).unlink(); pathlib.Path("logs", name).mkdir()
logger = get_logger("shop.ai.订单")
with LoggingContext(trace_id="t", span_id="s", tenant="acme"):
    logger.info("嗨 %s", "you", count=1, ratio=0.5, nested={{"a": [1, None]}}, **{{"level": "field", "键": "值"}})
    logger.log(25, "notice")
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("failed", stack_info=True)
    logging.getLogger("std").warning("from logging", extra={{"user": "u"}})
threading.Thread(target=lambda: logger.info("from a thread"), name="工作").start()
time.sleep(0.1)
{end}
"""
    site.run(code.format(hold=True, end=ENDS["SIGKILL"]))
    for name in ("app.log", "errors.log", "ai_responses.log"):
        (site.logs / name).rmdir()
    assert site.recover().returncode == 0
    recovered = {name: site.lines(name) for name in ("app.log", "errors.log", "ai_responses.log")}
    for path in site.logs.glob("*.log"):
        path.unlink()
    site.run(code.format(hold=False, end=""))
    for name, lines in recovered.items():
        lines = [line for line in lines if line["function"] != "recovery"]
        written = site.lines(name)
        assert len(lines) == len(written) > 0
        for line, expected in zip(lines, written, strict=True):
            assert line.pop("recovered") is True
            assert list(line) == list(expected)
            for volatile in ("timestamp", "process"):
                line.pop(volatile), expected.pop(volatile)
            assert line == expected


def test_records_of_every_size_survive(site: Any, exactly_once: Check) -> None:
    """From a few bytes to what the largest slot holds."""
    site.run(
        """
init_logging(log_dir="logs", console_format="off", black_box="dir")
import pathlib
pathlib.Path("logs/app.log").unlink(); pathlib.Path("logs/app.log").mkdir()
for number, size in enumerate([0, 10, 200, 300, 700, 800, 3_000, 4_100, 20_000, 60_000] * 3):
    get_logger("app").info("m" * size, number=number)
assert get_stats()["unprotected"] == 0
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    (site.logs / "app.log").rmdir()
    assert site.recover().returncode == 0
    exactly_once(site.numbers(), 30)


def test_what_does_not_fit_is_counted(site: Any) -> None:
    """A record larger than the largest slot, and those beyond the box's room, are said to be unprotected."""
    done = site.run(
        """
init_logging(log_dir="logs", console_format="off", black_box="dir", black_box_bytes="2MiB", queue_size=50_000)
get_logger("app").info("m" * 100_000)
assert flush_logging(20)
print(get_stats()["unprotected"])
import pathlib
pathlib.Path("logs/app.log").unlink(); pathlib.Path("logs/app.log").mkdir()
for number in range(20_000):
    get_logger("app").info("m" * 300, number=number)
print(get_stats()["unprotected"] > 10_000, get_stats()["dropped"])
pathlib.Path("logs/app.log").rmdir()
assert flush_logging(20)
"""
    )
    assert done.stdout.split() == ["1", "True", "0"], done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="counts on /proc")
def test_an_orderly_end_leaves_nothing(site: Any) -> None:
    """No box, no lock held, no mark on any record."""
    for place in ("dir", "shm"):
        assert site.run(LOG.format(options=f", black_box={place!r}", count=100)).returncode == 0
    assert site.boxes() == []
    assert not any("recovered" in line for line in site.lines())
    assert site.recover().stdout == "0 records recovered from 0 black boxes\n"


def test_shutdown_that_runs_out_of_time_leaves_the_rest_to_the_next(site: Any, exactly_once: Check) -> None:
    """What a dead disk kept from being written by the end is in the files once the disk is back."""
    done = site.run(
        """
init_logging(log_dir="logs", console_format="off", black_box="shm")
import pathlib
pathlib.Path("logs/app.log").unlink(); pathlib.Path("logs/app.log").mkdir()
for number in range(300):
    get_logger("app").info("m", number=number)
print(shutdown_logging(0.5), flush=True)
os._exit(0)
"""
    )
    assert done.stdout == "False\n"
    (site.logs / "app.log").rmdir()
    assert site.restart().returncode == 0
    exactly_once(site.numbers(), 300)
