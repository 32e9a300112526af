"""A living process's box is never touched, a dead one's always found; what counts is a lock, not a number."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from kinds import Check

START = 'init_logging(log_dir="logs", console_format="off", black_box="dir")\nlogger = get_logger("app")\n'


def recover_beside_its_child(site: Any, process: Any, exactly_once: Check, count: int) -> None:
    """Recovers the records of a program that kills itself, while the child that it names lives on."""
    child = int(process.stdout.readline())
    process.wait(30)
    try:
        assert site.recover().returncode == 0
        exactly_once(site.numbers(), count)
        assert site.boxes() == []
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_living_process_keeps_its_box_while_others_start_and_recover(site: Any, exactly_once: Check) -> None:
    """Starts and recoveries beside it neither take its records nor write them twice."""
    process = site.start(
        START
        + """
print("ready", flush=True)
for number in range(20_000):
    logger.info("m", number=number)
    if number % 1000 == 0:
        time.sleep(0.01)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    assert process.stdout.readline() == "ready\n"
    while process.poll() is None:
        site.recover()
    assert site.recover().returncode == 0
    exactly_once(site.numbers(), 20_000)


def test_an_owner_that_died_is_found_dead_though_its_forked_children_live(site: Any, exactly_once: Check) -> None:
    """They inherit descriptors and mappings, but not the lock. Seen to fail (nothing is recovered) with `flock` in its place."""
    process = site.start(
        START
        + """
for number in range(1_000):
    logger.info("m", number=number)
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    recover_beside_its_child(site, process, exactly_once, 1_000)


def test_children_do_not_hold_the_lock_of_a_parent_that_died_writing(site: Any, exactly_once: Check) -> None:
    """A lock taken with `flock` is every copy's of the descriptor. Seen to fail (no recovery) with a copy left open in the child."""
    process = site.start(
        START
        + """
import fcntl
logger.info("m", number=0)
assert flush_logging(20)
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
logger.info("m", number=1)
assert flush_logging(20)
links = {number: os.readlink(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd") if number.isdigit()
         and os.path.exists(f"/proc/self/fd/{number}")}
(lock,) = (int(number) for number, path in links.items() if path.endswith(".unified_logger.lock"))
fcntl.flock(lock, fcntl.LOCK_EX)  # as the writer does for each batch
logger.info("m", number=2)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    child = int(process.stdout.readline())
    process.wait(30)
    try:
        done = site.recover()
        assert done.returncode == 0, done.stderr
        exactly_once(site.numbers(), 3)
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_child_forked_by_c_code_has_a_box_of_its_own(site: Any, exactly_once: Check) -> None:
    """Python's hooks do not run, the parent dies, the child lives on and logs, then dies too: every record is there once.

    Seen to fail without the word that the system zeroes in children: the child wrote into its parent's box, whose names were
    then found damaged.
    """
    site.run(
        START
        + """
import contextlib
import ctypes
for number in range(500):
    logger.info("parent", number=number)
if ctypes.PyDLL(None).fork() == 0:
    for number in range(500, 1_000):
        logger.info("child", number=number)
    os.kill(os.getpid(), signal.SIGKILL)
os.wait()
for number in range(1_000, 1_500):
    logger.info("parent", number=number)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    assert site.recover().returncode == 0
    lines = [line for line in site.lines() if line["logger"] == "app"]
    exactly_once(sorted(line["number"] for line in lines), 1_500)
    assert len({line["process"] for line in lines}) == 2
    assert all((line["message"] == "child") == (500 <= line["number"] < 1_000) for line in lines)


def test_children_that_are_killed_are_recovered_by_their_parent(site: Any, wait: Callable[..., Any]) -> None:
    """Within seconds, while it goes on logging."""
    done = site.run(
        START
        + """
children = []
for child in range(5):
    pid = os.fork()
    if pid == 0:
        for number in range(200):
            logger.info("m", child=child, number=number)
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
deadline = time.monotonic() + 20
while sum(1 for _ in open("logs/app.log")) < 1000 and time.monotonic() < deadline:
    time.sleep(0.05)
"""
    )
    assert done.returncode == 0, done.stderr
    found = sorted((line["child"], line["number"]) for line in site.lines() if line["logger"] == "app")
    assert found == [(child, number) for child in range(5) for number in range(200)]


def test_a_fork_inside_a_value_leaves_the_parents_record_alone(site: Any) -> None:
    """A `__repr__` that forks: both processes finish the call, each with a record of its own."""
    done = site.run(
        START
        + """
class Forking:
    def __repr__(self):
        self.pid = os.fork()
        return "child" if self.pid == 0 else "parent"
value = Forking()
logger.info("m", before=1, value=value, after=2)
assert flush_logging(20)
if value.pid == 0:
    os._exit(0)
assert os.waitpid(value.pid, 0)[1] == 0
"""
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in site.lines() if line["logger"] == "app"]
    assert sorted(line["value"] for line in lines) == ["child", "parent"]
    assert all((line["before"], line["after"]) == (1, 2) for line in lines)
    assert len({line["process"] for line in lines}) == 2


def test_a_recovery_that_is_killed_is_gone_on_with(site: Any, exactly_once: Check) -> None:
    """Killed at any moment, again and again, until one comes to its end: every record once, in order."""
    site.run(
        START
        + """
import pathlib
for name in ("app.log", "errors.log"):
    pathlib.Path("logs", name).unlink(); pathlib.Path("logs", name).mkdir()
for number in range(5_000):
    logger.error("m" * 100, number=number)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    for name in ("app.log", "errors.log"):
        (site.logs / name).rmdir()
    for round_ in range(40):
        recovery = subprocess.Popen(
            [sys.executable, "-m", "unified_logger.cli", "recover", str(site.logs)], stdout=subprocess.DEVNULL
        )
        time.sleep(0.02 + 0.003 * round_)
        recovery.send_signal(signal.SIGKILL)
        recovery.wait()
    assert site.recover().returncode == 0
    for name in ("app.log", "errors.log"):
        exactly_once(site.numbers(name), 5_000)
    assert len(site.notices()) == 1


def test_two_recoveries_at_once_write_each_record_once(site: Any, exactly_once: Check) -> None:
    """Commands and starting processes together, on several boxes."""
    for writer in range(4):
        site.run(
            START.replace('"app"', f'"app.{writer}"')
            + "for number in range(1_000):\n    logger.info('m', number=number)\nos.kill(os.getpid(), signal.SIGKILL)"
        )
    command = [sys.executable, "-m", "unified_logger.cli", "recover", str(site.logs)]
    commands = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(4)]
    starts = [
        site.start('init_logging(log_dir="logs", console_format="off"); assert flush_logging(20)') for _ in range(3)
    ]
    assert [process.wait(60) for process in commands] == [0] * 4
    assert [process.wait(60) for process in starts] == [0] * 3
    for writer in range(4):
        exactly_once(site.numbers(logger=f"app.{writer}"), 1_000)


def test_an_owner_that_reads_its_own_log_directory_keeps_its_box(site: Any, exactly_once: Check) -> None:
    """A support bundle, a backup, a scan: each opens and closes the box. Another process starts beside it meanwhile.

    Seen to fail (300 records twice, "ended without shutting down") with a lock of the process in place of one of the file.
    """
    owner = site.start(
        START
        + """
import shutil
logger.info("m", number=0)
assert flush_logging(20)
for path in os.listdir("logs/.unified_logger"):
    open(os.path.join("logs/.unified_logger", path), "rb").read()
shutil.make_archive("support", "zip", "logs")
for number in range(1, 300):
    logger.info("m", number=number)
print("ready", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
assert flush_logging(20)
print(get_stats()["black_box"], flush=True)
"""
    )
    assert owner.stdout.readline() == "ready\n"
    assert site.restart().returncode == 0
    assert site.recover().stdout == "0 records recovered from 0 black boxes\n"
    owner.send_signal(signal.SIGCONT)
    assert owner.stdout.readline() == "1\n"
    owner.wait(30)
    exactly_once(site.numbers(), 300)
    assert site.notices() == []


def test_an_owner_that_closed_all_its_descriptors_keeps_its_box(site: Any, exactly_once: Check) -> None:
    """As daemons do: the lock is gone with its descriptor, and the mapping says that the owner lives.

    Seen to fail (records twice) with the lock alone asked.
    """
    owner = site.start(
        START
        + """
logger.info("m", number=0)
assert flush_logging(20)
os.closerange(3, 256)
os.kill(os.getpid(), signal.SIGSTOP)
for number in range(1, 100):
    logger.info("m", number=number)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    os.waitpid(owner.pid, os.WUNTRACED)
    assert site.restart().returncode == 0
    assert len(site.boxes()) == 1
    owner.send_signal(signal.SIGCONT)
    owner.wait(30)
    assert site.recover().returncode == 0
    exactly_once(site.numbers(), 100)


def test_an_owner_is_found_dead_though_a_child_that_c_code_forked_lives(site: Any, exactly_once: Check) -> None:
    """It runs none of Python's hooks, so that it holds its parent's lock. Seen to fail (nothing is recovered) with the lock alone asked."""
    process = site.start(
        START
        + """
import ctypes
for number in range(1_000):
    logger.info("m", number=number)
libc = ctypes.PyDLL(None)
child = libc.fork()
if child == 0:
    libc.pause()
print(child, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    recover_beside_its_child(site, process, exactly_once, 1_000)


def test_two_recoveries_at_once_of_such_a_box_write_it_once(site: Any, exactly_once: Check) -> None:
    """The lock of the owner keeps nobody away then. Seen to fail (records twice) without a lock of the recovery."""
    process = site.start(
        START
        + """
import ctypes
for number in range(5_000):
    logger.info("m", number=number)
libc = ctypes.PyDLL(None)
child = libc.fork()
if child == 0:
    libc.pause()
print(child, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    child = int(process.stdout.readline())
    process.wait(30)
    try:
        command = [sys.executable, "-m", "unified_logger.cli", "recover", str(site.logs)]
        both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(4)]
        for one in both:
            one.wait(60)
        done = site.recover()
        if "would block" in done.stderr:
            # The fork came while the writer had the lock of the directory: the child keeps it as long as it lives.
            os.kill(child, signal.SIGKILL)
            done = site.recover()
        assert done.returncode == 0
        exactly_once(site.numbers(), 5_000)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
