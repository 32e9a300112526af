"""Heavy use of everything at once: still each accepted record is on disk exactly once."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

from unified_logger import LoggingContext, flush_logging, get_logger, get_stats, init_logging

pytestmark = pytest.mark.stress


def all_lines(tmp_path: Path, name: str = "app.log") -> list[dict[str, Any]]:
    """The records of a file and of those rotated from it."""
    return [json.loads(line) for path in tmp_path.glob(f"*/{name}*") for line in path.read_text().splitlines()]


def test_threads_log_while_all_else_changes(tmp_path: Path) -> None:
    """Rotation, new settings, levels, listeners and contexts; counts and lines agree."""
    init_logging(log_dir=str(tmp_path / "0"), console_format="off", max_bytes=100_000, backup_count=1_000)
    before, stop, count = get_stats(), threading.Event(), 5_000

    def work(thread: int) -> None:
        logger = get_logger(f"app.{thread}")
        for number in range(count):
            with LoggingContext(trace_id=f"{thread}-{number}"):
                logger.warning("m", thread_number=thread, number=number)

    def change() -> None:
        handler, round_ = logging.NullHandler(), 0
        while not stop.is_set():
            logging.getLogger("app").addHandler(handler)
            logging.getLogger("app.1").setLevel(logging.DEBUG if round_ % 2 else logging.WARNING)
            init_logging(
                log_dir=str(tmp_path / str(round_ % 3)),
                console_format="off",
                max_bytes=100_000,
                backup_count=1_000,
                queue_size=100 + round_,
            )
            logging.getLogger("app").removeHandler(handler)
            round_ += 1

    changing = threading.Thread(target=change)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in (changing, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    changing.join()
    assert flush_logging(60)
    found = [line for line in all_lines(tmp_path) if line["message"] == "m"]
    for thread_number in range(4):
        own = sorted(line["number"] for line in found if line["thread_number"] == thread_number)
        assert own == list(range(count))
    assert all(line["trace_id"] == f"{line['thread_number']}-{line['number']}" for line in found)
    after = get_stats()
    assert after["dropped"] == before["dropped"]
    assert after["failed"] == before["failed"]
    assert after["accepted"] - before["accepted"] == after["written"] - before["written"]


def test_more_names_than_are_remembered_from_many_threads(run_python: Run, tmp_path: Path) -> None:
    """Names of loggers, fields and threads beyond the tables, at once: each record keeps its own."""
    run_python(
        """
import threading
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off", max_bytes=0, overflow_timeout=60)

def work(thread):
    for number in range(6_000):
        name = f"{thread}.{number}"
        threading.current_thread().name = name
        get_logger(f"logger.{name}").info("m", **{f"field.{name}": name})

threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert flush_logging(60)
""",
        timeout=120,
    )
    found = all_lines(tmp_path)
    assert len(found) == 24_000
    names = [line["thread"] for line in found]
    assert len(set(names)) == 24_000
    assert all(
        line["logger"] == f"logger.{name}" and line[f"field.{name}"] == name
        for name, line in zip(names, found, strict=True)
    )


def test_processes_share_rotated_files_while_files_are_moved_away(tmp_path: Path) -> None:
    """Another program renames app.log as logrotate does; every record is in one of the files, whole, once."""
    program = """
import sys
from unified_logger import get_logger, init_logging
init_logging(log_dir="logs", max_bytes=100_000, backup_count=200, console_format="off", overflow_timeout=60)
for number in range(4000):
    get_logger("app").info("line", writer=sys.argv[1], number=number)
"""
    writers = [subprocess.Popen([sys.executable, "-c", program, str(number)], cwd=tmp_path) for number in range(3)]
    (tmp_path / "moved").mkdir()
    moved = 0
    while any(writer.poll() is None for writer in writers):
        try:
            (tmp_path / "logs" / "app.log").rename(tmp_path / "moved" / f"app.log.{moved}")
        except FileNotFoundError:
            continue
        moved += 1
    assert [writer.returncode for writer in writers] == [0] * 3
    assert moved > 0
    found = sorted((line["writer"], line["number"]) for line in all_lines(tmp_path))
    assert found == sorted((str(writer), number) for writer in range(3) for number in range(4_000))
