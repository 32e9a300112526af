"""Programs that end within two seconds, such as jobs of cron, keep as many files as they are asked to, and pack them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lives
import pytest
from kinds import Run

PROGRAM = """
import os, sys, time
from unified_logger import flush_logging, get_logger, get_stats, init_logging, shutdown_logging
init_logging(log_dir="logs", console_format="off", max_bytes=2_000, **eval(sys.argv[1]))
logger = get_logger("job")
for number in range(60):
    logger.info("some record of a job", number=number)
    assert flush_logging(30)
"""


def rotated(log_dir: Path) -> list[str]:
    return sorted(path.name for path in log_dir.glob("app[-.]*") if path.name != "app.log")


@contextmanager
def elected(log_dir: Path) -> Iterator[None]:
    """Another process is the one that looks after the files."""
    (log_dir / ".unified_logger").mkdir(parents=True, mode=0o700)
    code = f"import fcntl, sys; file = open({str(log_dir / '.unified_logger/upkeep.lock')!r}, 'w'); "
    code += "fcntl.flock(file, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        yield
        other.communicate(timeout=60)


@pytest.mark.parametrize("names", ["numbered", "dated"])
def test_files_are_as_many_as_asked(run_python: Run, log_dir: Path, names: str) -> None:
    """After each run, and the newest of them."""
    for _ in range(6):
        run_python(PROGRAM, repr({"keep": {"files": 3}, "file_names": names}))
        assert len(rotated(log_dir)) == 3
        left = sorted(record["number"] for record in lives.records(log_dir))
        assert left == [*range(60 - len(left), 60)]
        assert (lives.unlike(log_dir), lives.left_over(log_dir)) == ("", [])


@pytest.mark.parametrize("names", ["numbered", "dated"])
def test_files_are_packed_after_a_few_runs(run_python: Run, log_dir: Path, names: str) -> None:
    """With their indices, and none is lost."""
    options = {"keep": {"files": 40}, "file_names": names, "compress": "gzip"}
    runs = 0
    # More are needed where other programs have the processor.
    while runs < 6 or (lives.undone(log_dir) and runs < 30):
        run_python(PROGRAM, repr(options | {"keep": "all"}))
        runs += 1
    assert lives.undone(log_dir) == []
    numbers = sorted(record["number"] for record in lives.records(log_dir) if "number" in record)
    assert numbers == sorted([*range(60)] * runs)


def test_a_large_file_does_not_keep_a_program_from_its_end(run_python: Run, log_dir: Path) -> None:
    """What is begun and takes too long is left, and nothing of it stays."""
    log_dir.mkdir()
    line = b'{"timestamp":"2026-02-19T10:30:00Z","level":"INFO","logger":"shop","message":"%s"}\n'
    noise = b"".join(line % os.urandom(400).hex().encode() for _ in range(60_000))
    (log_dir / "app.log.1").write_bytes(noise)
    options = {"keep": "all", "compress": "zstd", "compress_level": 12}
    code = PROGRAM + "started = time.monotonic()\nassert shutdown_logging(60)\nprint(time.monotonic() - started)\n"
    done = run_python(code, repr(options))
    assert float(done.stdout) < 5
    assert done.stderr == ""
    assert [path.read_bytes() for path in log_dir.glob("app.log.*") if path.stat().st_size == len(noise)] == [noise]
    assert lives.left_over(log_dir) == []


def test_the_process_that_is_elected_does_it_alone(run_python: Run, log_dir: Path) -> None:
    """A program that ends leaves all to another one that is at it, and does not wait for it."""
    with elected(log_dir):
        run_python(PROGRAM, repr({"keep": {"files": 3}, "file_names": "dated"}))
        assert len(rotated(log_dir)) > 3
    run_python(PROGRAM, repr({"keep": {"files": 3}, "file_names": "dated"}))
    assert len(rotated(log_dir)) == 3


def test_forked_children_leave_it_to_the_program(run_python: Run, log_dir: Path) -> None:
    """Many of them end while it goes on."""
    run_python(
        PROGRAM
        + """
pid = os.fork()
if not pid:
    logger.info("of the child")
    assert shutdown_logging(30)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
import glob
print(len(glob.glob("logs/app-*")))
assert len(glob.glob("logs/app-*")) > 3
""",
        repr({"keep": {"files": 3}, "file_names": "dated"}),
    )
    assert len(rotated(log_dir)) == 3


def test_settings_that_others_have_replaced_delete_nothing(run_python: Run, log_dir: Path) -> None:
    """A start of logging takes the place of an earlier one, such as that of a library with its defaults."""
    options: dict[str, Any] = {"keep": {"files": 1}, "file_names": "dated"}
    run_python(PROGRAM + "init_logging(log_dir='logs', console_format='off', keep='all')\n", repr(options))
    assert len(rotated(log_dir)) > 1


def test_without_rotated_files_nothing_is_made(run_python: Run, log_dir: Path) -> None:
    """A short program costs no more than it did."""
    run_python(
        "from unified_logger import get_logger, init_logging\ninit_logging(log_dir='logs')\nget_logger('a').info('m')"
    )
    assert not (log_dir / ".unified_logger/upkeep.lock").exists()
