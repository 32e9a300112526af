"""Large records wait in the black box like small ones, as many as its memory holds: they share it, whatever their sizes."""

from __future__ import annotations

from typing import Any

import pytest
from kinds import Check

# Nothing can be written for as long as the process lives.
BEGIN = """
from unified_logger import get_stats
init_logging(log_dir="logs", console_format="off", file_level="DEBUG")
os.unlink("logs/app.log")
os.mkdir("logs/app.log")
logger = get_logger("app")
def end():
    print(get_stats()["unprotected"], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def assert_all_survive(site: Any, exactly_once: Check, code: str, count: int) -> None:
    """Runs it, and finds every record on disk after a recovery."""
    done = site.run(BEGIN + code + "\nend()\n")
    assert done.stdout == "0\n", (done.stdout, done.stderr)
    (site.logs / "app.log").rmdir()
    assert site.recover().returncode == 0
    exactly_once(site.numbers(), count)


@pytest.mark.parametrize(("length", "count"), [(1_500, 1_900), (5_000, 650), (16_000, 200), (60_000, 60)])
def test_as_many_survive_as_the_memory_holds(site: Any, exactly_once: Check, length: int, count: int) -> None:
    """With default settings. Seen to fail with slots of four sizes, of which the larger ones are few: twelve of the largest."""
    code = f"""
for number in range({count}):
    logger.info("m", number=number, text="x" * {length})
"""
    assert_all_survive(site, exactly_once, code, count)
    assert all(len(line["text"]) == length for line in site.lines() if line["logger"] == "app")


def test_records_of_all_sizes_survive_together(site: Any, exactly_once: Check) -> None:
    """Prompts with their answers, among many small records, from several threads. Seen to fail in the same way."""
    code = """
import threading
def work(thread):
    for number in range(thread * 250, thread * 250 + 250):
        if number % 5 == 0:
            logger.ai("asked", number=number, prompt="x" * (number * 13 % 9_000), response="y" * (number * 7 % 5_000))
        else:
            logger.info("m", number=number, text="z" * (number % 400))
threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
    assert_all_survive(site, exactly_once, code, 1_000)


def test_as_many_small_records_survive_as_the_queue_holds(site: Any, exactly_once: Check) -> None:
    """They go where large ones would, once their own room is used up."""
    code = """
for number in range(10_000):
    logger.info("m", number=number)
"""
    assert_all_survive(site, exactly_once, code, 10_000)


def test_what_looks_like_a_record_in_the_text_of_another_is_none(site: Any, exactly_once: Check) -> None:
    """Where large records lay, others lie later: what a text holds at the place of a prefix is never taken for one."""
    code = """
import struct
os.rmdir("logs/app.log")
# A prefix that says it holds a record: accepted, not taken, of eight bytes.
prefix = (struct.pack("<QQII", 8, 0, 8, 1) + b"12345678").decode("latin-1")
for number in range(20):
    logger.info("m", number=number, text=prefix * 1_500)
from unified_logger import flush_logging
assert flush_logging(60)
os.unlink("logs/app.log")
os.mkdir("logs/app.log")
for number in range(20, 40):
    logger.info("m", number=number, text="x" * 3_000)
"""
    done = site.run(BEGIN + code + "\nend()\n")
    assert done.stdout == "0\n", (done.stdout, done.stderr)
    (site.logs / "app.log").rmdir()
    assert site.recover().returncode == 0
    assert sorted(site.numbers()) == list(range(20, 40))
    assert [notice.get("damaged") for notice in site.notices()] == [None]
