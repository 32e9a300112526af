"""Several processes write one rotated set of files: nothing torn, lost or doubled, and rotation happens once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from on_disk import assert_bounds_kept, assert_each_once, assert_rotated_once, records

BOUND = 20_000

PROGRAM = """
init_logging(log_dir="logs", max_bytes=20_000, backup_count=1_000, console_format="off", overflow_timeout=60)
together(sys.argv[1], 6)
work(sys.argv[1], int(sys.argv[2]))
report(sys.argv[1])
"""


def test_six_processes_write_three_thousand_lines_each(programs: Any, tmp_path: Path) -> None:
    """18,000 lines are on disk, no file is over its bound, and each rotation was one.

    Seen to fail without the directory's lock: files are rotated several times at once, and lines are lost with what they
    replace. Seen to fail without the look at whether another rotated: files are rotated again before they are full.
    """
    for writer in range(6):
        programs.start(PROGRAM, writer, 3_000)
    programs.wait()
    assert_each_once(records(tmp_path / "logs"), {str(writer): 3_000 for writer in range(6)})
    assert programs.lock_timeouts() == 0
    assert_bounds_kept(tmp_path / "logs", BOUND)
    assert_rotated_once(tmp_path / "logs", BOUND, programs.rotations())


def test_threads_of_processes_keep_their_order(programs: Any, tmp_path: Path) -> None:
    """Three processes with four threads each: every thread's records are in the order of its calls.

    Seen to fail without the directory's lock, and without the look at whether another rotated.
    """
    code = """
import threading
init_logging(log_dir="logs", max_bytes=20_000, backup_count=1_000, console_format="off", overflow_timeout=60)
names = [f"{sys.argv[1]}.{thread}" for thread in range(4)]
threads = [threading.Thread(target=work, args=(name, 1_000)) for name in names]
together(sys.argv[1], 3)
[thread.start() for thread in threads]
[thread.join() for thread in threads]
report(sys.argv[1])
"""
    for writer in range(3):
        programs.start(code, writer)
    programs.wait()
    assert_each_once(
        records(tmp_path / "logs"), {f"{writer}.{thread}": 1_000 for writer in range(3) for thread in range(4)}
    )
    assert programs.lock_timeouts() == 0
    assert_bounds_kept(tmp_path / "logs", BOUND)
    assert_rotated_once(tmp_path / "logs", BOUND, programs.rotations())


def test_every_file_of_the_set_is_shared(programs: Any, tmp_path: Path) -> None:
    """errors.log and ai_responses.log are rotated beside app.log, each record once in each of its files.

    Seen to fail without the directory's lock, and without the look at whether another rotated.
    """
    code = """
init_logging(log_dir="logs", max_bytes=50_000, ai_max_bytes=50_000, backup_count=1_000, ai_backup_count=1_000,
             console_format="off", overflow_timeout=60)
logger = get_logger("app")
together(sys.argv[1], 3)
for number in range(1_000):
    logger.error("line", writer=sys.argv[1], number=number, **{"gen_ai.system": "s"})
report(sys.argv[1])
"""
    for writer in range(3):
        programs.start(code, writer)
    programs.wait()
    for name in ("app.log", "errors.log", "ai_responses.log"):
        assert_each_once(records(tmp_path / "logs", name), {str(writer): 1_000 for writer in range(3)})
    assert programs.lock_timeouts() == 0
    for name, kind in (("app.log", "app"), ("errors.log", "errors"), ("ai_responses.log", "ai")):
        assert_bounds_kept(tmp_path / "logs", 50_000, name)
        rotations = sum(stats["files"][kind]["rotations"] for stats in programs.stats())
        assert_rotated_once(tmp_path / "logs", 50_000, rotations, name)


def test_a_record_above_the_bound_is_alone_in_its_file(programs: Any, tmp_path: Path) -> None:
    """Also when others write at the same time; all other files keep their bound.

    Seen to fail without the directory's lock, and without the look at whether another rotated.
    """
    code = """
init_logging(log_dir="logs", max_bytes=20_000, backup_count=1_000, console_format="off", overflow_timeout=60)
logger = get_logger("app")
together(sys.argv[1], 3)
for number in range(400):
    logger.info("x" * (30_000 if number % 100 == 50 else 10), writer=sys.argv[1], number=number)
report(sys.argv[1])
"""
    for writer in range(3):
        programs.start(code, writer)
    programs.wait()
    found = records(tmp_path / "logs")
    assert_each_once(found, {str(writer): 400 for writer in range(3)})
    assert sum(len(record["message"]) == 30_000 for record in found) == 12
    assert programs.lock_timeouts() == 0
    assert_bounds_kept(tmp_path / "logs", 20_000)
    assert_rotated_once(tmp_path / "logs", 20_000, programs.rotations())
