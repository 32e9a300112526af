"""What the fallback handlers of `USE_UNIFIED_LOGGING=false` do when a file fails: they go on, and lose nothing that could be written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kinds import Numbers, Run

START = """
import json, os, sys, time
from faults import calls, fail, log, mend
from unified_logger import flush_logging, get_logger, get_stats, init_logging
from unified_logger.stdlib import fallback_handlers
passed = 0
fallback_handlers.monotonic = lambda: time.monotonic() + passed

def begin(**options):
    init_logging(log_dir="logs", use_unified_logging=False, console_format="off", **options)

logger = get_logger("app")
"""


@pytest.mark.parametrize("error", ["ENOSPC", "EDQUOT", "EACCES", "EROFS", "EMFILE"])
@pytest.mark.parametrize("op", ["rename", "open"])
def test_a_rotation_that_fails_is_tried_again_and_costs_no_record(
    run_faulty: Run, numbers: Numbers, log_dir: Path, op: str, error: str
) -> None:
    """Meanwhile the file grows under its own name, which is told once. Not with every record: only after a pause.

    Seen to fail (with `open`, all records lost until then; a rename for each record) with the old file closed first, and without the pause.
    """
    done = run_faulty(
        START
        + f"""
begin(max_bytes=2000, backup_count=50)
log(logger, range(10))
before = get_stats()["files"]["app"]["rotations"]
fail({op!r}, error={error!r}, match="app.log")
log(logger, range(10, 40))
tried = calls({op!r})
log(logger, range(40, 60))
assert calls({op!r}) == tried
assert flush_logging(1)
size = os.path.getsize("logs/app.log")
mend()
passed = 1.5
log(logger, range(60, 80))
stats = get_stats()
print(json.dumps([size, before, stats]))
"""
    )
    size, before, stats = json.loads(done.stdout)
    assert size > 4000
    assert stats["files"]["app"]["rotations"] > before
    assert stats["files"]["app"]["errors"] == stats["errors"] == 1
    assert (stats["accepted"], stats["written"], stats["failed"]) == (80, 80, 0)
    assert numbers() == list(range(80))
    assert done.stderr.count("cannot rotate") == 1
    assert (log_dir / "app.log").stat().st_size <= 2000


def test_a_rotation_that_fails_often_pushes_no_file_out(run_faulty: Run, numbers: Numbers, log_dir: Path) -> None:
    """But for the one whose turn it is. Seen to fail (all of them gone) with files that are renamed each time, gap or not."""
    run_faulty(
        START
        + """
fallback_handlers._PAUSE = 0
begin(max_bytes=1000, backup_count=3)
log(logger, range(40))
assert os.path.exists("logs/app.log.3")
fail("open", error="ENOSPC", match="app.log")
log(logger, range(40, 80))
mend()
log(logger, range(80, 82))
"""
    )
    assert sorted(path.name for path in log_dir.glob("app.log*")) == ["app.log", "app.log.1", "app.log.2", "app.log.3"]
    found = numbers()
    assert found == list(range(found[0], 82))
    assert found[0] < 38


@pytest.mark.parametrize("options", ["", "max_bytes=2000, backup_count=50"], ids=["one file", "rotated"])
@pytest.mark.parametrize("budget", [-1, 500], ids=["whole", "cut short"])
@pytest.mark.parametrize("error", ["ENOSPC", "EFBIG", "EIO"])
def test_lines_wait_for_a_file_that_takes_none(
    run_faulty: Run, numbers: Numbers, error: str, budget: int, options: str
) -> None:
    """And are written before what comes later, each once and whole; what a part of one left is cut off at once.

    Seen to fail (torn lines; no record any more after a rotation) with the buffers of `logging.FileHandler`.
    """
    done = run_faulty(
        START
        + f"""
begin({options})
log(logger, range(3))
fail("write", error={error!r}, match="app.log", budget={budget})
log(logger, range(3, 30))
assert not flush_logging(1)
assert open("logs/app.log").read().endswith("\\n")
stats = get_stats()
assert stats["files"]["app"]["written"] < 30 and stats["files"]["app"]["errors"] > 0
mend()
log(logger, range(30, 33))
assert flush_logging(1)
assert get_stats()["files"]["app"]["written"] == get_stats()["written"] == 33
"""
    )
    assert numbers() == list(range(33))
    assert done.stderr.count("cannot write") == 1


def test_a_part_of_a_line_that_cannot_be_cut_off_gets_its_rest(run_faulty: Run, numbers: Numbers) -> None:
    """As in a file that can only be appended to. Seen to fail with the whole line written again behind the part."""
    run_faulty(
        START
        + """
begin()
fail("truncate", error="EPERM")
fail("write", error="ENOSPC", match="app.log", budget=500)
log(logger, range(20))
mend()
log(logger, range(20, 22))
"""
    )
    assert numbers() == list(range(22))


def test_trouble_is_told_again_after_an_interval(run_faulty: Run) -> None:
    """With how much there was since. Seen to fail with each told."""
    done = run_faulty(
        START
        + """
begin()
fail("write", error="ENOSPC", match="app.log")
log(logger, range(1, 6))
passed = 11
log(logger, range(6, 7))
mend()
"""
    )
    told = done.stderr.splitlines()
    assert [line.startswith("unified_logger: cannot write ") for line in told] == [True, True]
    assert "No space left on device" in told[0]
    assert told[1].endswith("(4 more since last told)")


def test_what_finds_no_room_is_counted_and_told(run_faulty: Run, numbers: Numbers) -> None:
    """A fault that lasts costs the memory of so many lines, not of all. Seen to fail without a bound."""
    done = run_faulty(
        START
        + """
fallback_handlers._WAITING = 2000
begin()
fail("write", error="ENOSPC", match="app.log")
log(logger, range(1, 40))
mend()
assert flush_logging(1)
print(json.dumps(get_stats()))
"""
    )
    stats = json.loads(done.stdout)
    assert stats["failed"] > 10
    assert stats["accepted"] == stats["written"] + stats["failed"] == 39
    assert "records are lost" in done.stderr
    assert numbers() == list(range(1, 1 + stats["written"]))


def test_a_forked_child_leaves_to_its_parent_what_waits(run_faulty: Run, numbers: Numbers) -> None:
    """Each record once. Seen to fail (those that waited twice) without a look at the process."""
    run_faulty(
        START
        + """
begin()
fail("write", error="ENOSPC", match="app.log")
log(logger, range(5))
mend()
child = os.fork()
if child == 0:
    log(logger, range(5, 8))
    os._exit(0)
os.waitpid(child, 0)
assert flush_logging(1)
"""
    )
    assert sorted(numbers()) == list(range(8))


@pytest.mark.parametrize("redaction", ["False", "True"])
def test_a_standard_error_that_is_closed_is_no_reason_to_raise(run_faulty: Run, redaction: str) -> None:
    """Neither for the console, nor for what there is to tell of a file. Seen to fail (`ValueError` out of the call)."""
    run_faulty(
        START
        + f"""
init_logging(log_dir="logs", use_unified_logging=False, redaction={redaction})
sys.stderr.close()
logger.info("to the console")
fail("write", error="ENOSPC")
logger.info("to nobody")
mend()
assert flush_logging(1)
"""
    )


def test_descriptors_that_the_program_closed_are_opened_anew(run_faulty: Run, numbers: Numbers) -> None:
    """As a daemon does. Seen to fail (no record any more)."""
    run_faulty(
        START
        + """
begin(max_bytes=2000, backup_count=50)
log(logger, range(5))
os.closerange(3, 256)
log(logger, range(5, 60))
assert flush_logging(1)
"""
    )
    assert numbers() == list(range(60))


def test_a_file_that_was_taken_away_is_made_again_by_the_next_rotation(
    run_faulty: Run, numbers: Numbers, log_dir: Path
) -> None:
    """And one that another process has put there is not pushed on. Seen to fail with it renamed."""
    run_faulty(
        START
        + """
begin(max_bytes=2000, backup_count=50)
log(logger, range(5))
os.rename("logs/app.log", "logs/aside")
with open("logs/app.log", "w"):
    pass
log(logger, range(5, 12))
"""
    )
    assert list(log_dir.glob("app.log.*")) == []
    assert len((log_dir / "aside").read_text().splitlines()) + len(numbers()) == 12
    assert numbers()[-1] == 11
