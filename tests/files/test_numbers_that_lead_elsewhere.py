"""Descriptors that the program closed, and whose numbers its own files have got since, are left alone: nothing of the logs goes there."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from kinds import Numbers, Run
from programs import OPEN_FILES

pytestmark = pytest.mark.skipif(os.name != "posix", reason="descriptors are those of POSIX")

# What daemons do: everything is closed, and the program's own files get the numbers.
START = """
import ctypes, faulthandler, json, os, socket, sys, time
from unified_logger import flush_logging, get_logger, get_stats, init_logging

def start(directory="logs", **options):
    init_logging(log_dir=directory, console_format="off", black_box="off", **options)

def become_daemon(count=12, mode="w+b"):
    os.closerange(3, 256)
    return [open(f"table.{number}", mode, buffering=0) for number in range(count)]

def check(tables):
    for number, table in enumerate(tables):
        table.write(b"page %d\\n" % number)
        table.close()
        with open(f"table.{number}", "rb") as file:
            found = file.read()
        assert found == b"page %d\\n" % number, (number, found)
    with open("logs/.unified_logger.lock", "rb") as file:
        assert file.read() == b""

start()
logger = get_logger("app")
logger.info("m", number=0)
assert flush_logging(30)
"""


def test_log_lines_stay_out_of_the_program_s_files(run_python: Run, numbers: Numbers) -> None:
    """What is counted as written is in the log files, and the program's bytes in its own. It is said, once.

    Seen to fail with the remembered identity compared with the path's alone.
    """
    done = run_python(
        START
        + """
tables = become_daemon()
for number in range(1, 21):
    logger.error("m", number=number)
    assert flush_logging(30)
check(tables)
print(json.dumps(get_stats()))
"""
    )
    stats = json.loads(done.stdout)
    assert (stats["accepted"], stats["written"]) == (21, 21)
    assert numbers() == list(range(21))
    assert numbers("errors.log") == list(range(1, 21))
    assert done.stderr.count("cannot keep a descriptor") == 1
    assert len(done.stderr.splitlines()) == 1


def test_a_socket_that_has_the_number_gets_no_line(run_python: Run, numbers: Numbers) -> None:
    """A client of the program reads only what it was sent."""
    run_python(
        START
        + """
os.closerange(3, 256)
pairs = [socket.socketpair() for _ in range(6)]
logger.info("m", number=1)
assert flush_logging(30)
for one, other in pairs:
    for end in (one, other):
        end.setblocking(False)
        try:
            raise AssertionError(end.recv(100))
        except BlockingIOError:
            pass
"""
    )
    assert numbers() == [0, 1]


@pytest.mark.parametrize(
    "act", ["start()", "start('other')", "from unified_logger import shutdown_logging; shutdown_logging()"]
)
def test_the_program_s_files_are_not_closed(run_python: Run, act: str) -> None:
    """By a later start, in the same directory or another, or by the end. Seen to fail with every number closed that was opened."""
    run_python(
        START + f"tables = become_daemon()\n{act}\nlogger.info('m', number=1)\nflush_logging(30)\ncheck(tables)\n"
    )


def test_the_end_closes_nothing_and_says_nothing(run_python: Run) -> None:
    """Numbers that lead nowhere are no reason for a complaint. Seen to fail with a `__del__` that closes a number."""
    done = run_python(START + "os.closerange(3, 256)\n")
    assert done.stderr == ""


@pytest.mark.parametrize("mode", ["rb", "r+b", "ab"])
def test_a_log_file_that_the_program_opened_is_not_taken_for_the_library_s(
    run_python: Run, numbers: Numbers, mode: str
) -> None:
    """Under the same number, but opened by the program to read it, say: it is the program's to close.

    Seen to fail with device and inode compared, and not how the file was opened.
    """
    run_python(
        START
        + f"""
os.closerange(3, 256)
opened = [open("logs/app.log", {mode!r}, buffering=0) for _ in range(12)]
for number in range(1, 4):
    logger.info("m", number=number)
    assert flush_logging(30)
start("other")
for file in opened:
    file.close()
"""
    )
    assert numbers() == [0, 1, 2, 3]


def test_a_rotation_neither_closes_nor_cuts_the_program_s_files(run_python: Run, numbers: Numbers) -> None:
    """Of many batches, with numbers lost again and again."""
    run_python(
        START
        + """
start(max_bytes=2_000, backup_count=100)
for round_ in range(5):
    tables = become_daemon()
    for number in range(round_ * 20 + 1, round_ * 20 + 21):
        logger.info("m", number=number)
        assert flush_logging(30)
    check(tables)
"""
    )
    assert numbers() == list(range(101))


def test_fsync_goes_to_the_log_file(run_python: Run) -> None:
    """A sync that is due after the numbers were lost is of the file that was written to."""
    done = run_python(
        START
        + """
start(fsync="always")
logger.info("m", number=1)
assert flush_logging(30)
tables = become_daemon()
logger.info("m", number=2)
assert flush_logging(30)
check(tables)
print(get_stats()["files"]["app"]["sync_errors"], get_stats()["files"]["app"]["syncs"] >= 2)
"""
    )
    assert done.stdout.split() == ["0", "True"]


FORK = """
libc = ctypes.PyDLL(None)
libc.fork.restype = ctypes.c_int
def fork():
    return {how}()
number = fork()
if number == 0:
    try:
        tables = become_daemon()
        logger.info("m", number=1)
        assert flush_logging(30)
        check(tables)
        os._exit(0)
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0
"""


@pytest.mark.parametrize("how", ["libc.fork", "os.fork"], ids=["by C", "by Python"])
@pytest.mark.parametrize("box", ["off", "dir"])
def test_a_child_leaves_alone_what_has_its_parent_s_numbers(
    run_python: Run, numbers: Numbers, how: str, box: str
) -> None:
    """A fork that no hook saw is noticed at the first record, when the child may have closed all and opened files of its own.

    Seen to fail with the parent's numbers closed unseen.
    """
    run_python(START.replace('black_box="off"', f"black_box={box!r}") + FORK.format(how=how))
    assert numbers() == [0, 1]


CRASH = "\ndef crash():\n    faulthandler._sigsegv()\ncrash()\n"
WAIT_FOR_FAULTS = (
    OPEN_FILES
    + """
end = time.monotonic() + 60
while not "faults.txt" in open_files():
    assert time.monotonic() < end, "faulthandler never got its file again"
    time.sleep(0.01)
"""
)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="open descriptors are looked up in /proc")
def test_a_crash_is_told_in_faults_txt_again(run_python: Run, tmp_path: Path) -> None:
    """What `faulthandler` knows is a number; within seconds it has one of its file again. Seen to fail without the look of the writer."""
    code = START + "tables = become_daemon()\nlogger.info('m', number=1)\n" + WAIT_FOR_FAULTS + "check(tables)" + CRASH
    assert run_python(code, check=False, timeout=120).returncode == -signal.SIGSEGV
    assert "in crash" in (tmp_path / "logs" / "faults.txt").read_text()
    for path in (*tmp_path.glob("table.*"), *(tmp_path / "logs").glob("*.log")):
        assert "in crash" not in path.read_text(), path


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="open descriptors are looked up in /proc")
def test_a_program_that_took_faulthandler_over_meanwhile_keeps_it(run_python: Run, tmp_path: Path) -> None:
    """Its file is not changed for the library's."""
    code = (
        START
        + """
mine = open("mine.txt", "w")
faulthandler.enable(mine)
os.closerange(mine.fileno() + 1, 256)
for number in range(1, 4):
    logger.info("m", number=number)
    assert flush_logging(30)
    time.sleep(1.1)
"""
        + CRASH
    )
    assert run_python(code, check=False).returncode == -signal.SIGSEGV
    assert "in crash" in (tmp_path / "mine.txt").read_text()
