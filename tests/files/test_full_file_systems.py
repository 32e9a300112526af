"""The real thing where it can be had: a file system without room, a limit on file sizes, a directory not to be written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kinds import Run


@pytest.fixture
def small_disk(log_dir: Path) -> Iterator[Path]:
    """A file system of 256 kB at the log directory."""
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("mounting a small file system takes root")
    log_dir.mkdir()
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(log_dir)], capture_output=True, text=True, timeout=30
    )
    if done.returncode != 0:
        pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
    yield log_dir
    subprocess.run(["umount", "--lazy", str(log_dir)], check=True, timeout=30)


@pytest.mark.parametrize("switch", ["true", "false"], ids=["engine", "fallback handlers"])
def test_a_full_file_system_costs_no_record(
    small_disk: Path, run_python: Run, numbers: Callable[..., Any], switch: str
) -> None:
    """While nothing fits, records wait; once a file that took the room is gone, they are written, each once.

    Seen to fail with records dropped after a failed write, and without torn lines cut off.
    """
    done = run_python(
        """
import json, os
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", overflow_timeout=60, console_format="off")
logger = get_logger("app")
with open("logs/ballast", "wb") as ballast:
    ballast.write(b"x" * 240 * 1024)
for number in range(500):
    logger.info("m", number=number)
on_disk = flush_logging(0.3)
os.unlink("logs/ballast")
assert flush_logging(60)
print(json.dumps([on_disk, get_stats()]))
""",
        USE_UNIFIED_LOGGING=switch,
    )
    on_disk, stats = json.loads(done.stdout)
    assert on_disk is False
    # Fallback handlers count notices too.
    assert (stats["written"], stats["dropped"], stats["failed"]) == (stats["accepted"], 0, 0)
    assert stats["files"]["app"]["errors"] > 0
    assert numbers() == list(range(500))
    assert "No space left on device" in done.stderr


def test_a_limit_on_file_sizes_costs_no_record(run_python: Run, numbers: Callable[..., Any]) -> None:
    """EFBIG by RLIMIT_FSIZE, in the middle of a line, and rotation within the limit goes on as if it were not there.

    Seen to fail with records dropped after a failed write, and without torn lines cut off.
    """
    done = run_python(
        """
import json, resource
from unified_logger import flush_logging, get_logger, get_stats, init_logging
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_001, hard))
init_logging(log_dir="logs", max_bytes=9_000, backup_count=100, overflow_timeout=60, console_format="off")
logger = get_logger("app")
for number in range(300):
    logger.info("m", number=number)
within = flush_logging(30)
init_logging(log_dir="logs", max_bytes=0, overflow_timeout=60, console_format="off")
for number in range(300, 600):
    logger.info("m", number=number)
beyond = flush_logging(0.3)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
assert flush_logging(60)
print(json.dumps([within, beyond, get_stats()]))
"""
    )
    within, beyond, stats = json.loads(done.stdout)
    assert (within, beyond) == (True, False)
    assert (stats["written"], stats["dropped"], stats["failed"]) == (600, 0, 0)
    assert numbers() == list(range(600))


@pytest.fixture
def plain_user(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A directory of a user whom permissions bind, and a line that makes a program run as that user."""
    if os.geteuid() != 0:
        yield tmp_path, ""
        return
    # Beside tmp_path, whose parents are closed to others.
    directory = Path(tempfile.mkdtemp(prefix="unified_logger_"))
    os.chown(directory, 65534, 65534)
    yield directory, "os.setgroups([]); os.setgid(65534); os.setuid(65534)"
    shutil.rmtree(directory)


@pytest.mark.parametrize("there", [[], [".unified_logger.lock", "ai_responses.log", "app.log", "errors.log"]])
def test_a_directory_that_must_not_be_written_is_refused_at_once(
    run_python: Run, plain_user: tuple[Path, str], there: list[str]
) -> None:
    """`init_logging` says which directory it is, and nothing has been started.

    Seen to fail, with files that are there already, without asking whether the directory can be written.
    """
    directory, become = plain_user
    (directory / "logs").mkdir()
    for name in there:
        (directory / "logs" / name).touch()
        (directory / "logs" / name).chmod(0o666)
    (directory / "logs").chmod(0o555)
    done = run_python(
        f"""
import os
from unified_logger import ConfigurationError, init_logging
{become}
os.chdir({str(directory)!r})
try:
    init_logging(log_dir="logs", console_format="off")
except ConfigurationError as error:
    print(error.key, "logs" in str(error), *sorted(os.listdir("logs")))
"""
    )
    assert done.stdout.split() == ["log_dir", "True", *there]


def test_a_directory_closed_while_running_delays_only_the_rotation(
    run_python: Run, plain_user: tuple[Path, str]
) -> None:
    """What fits is written; what needs a new file waits until the directory is open again; the file keeps its bound.

    Seen to fail with records dropped after a failed write, and with a rotation that is given up where a name cannot be changed.
    """
    directory, become = plain_user
    done = run_python(
        f"""
import json, os
from unified_logger import flush_logging, get_logger, get_stats, init_logging
{become}
os.chdir({str(directory)!r})
init_logging(log_dir="logs", max_bytes=20_000, backup_count=50, overflow_timeout=60, console_format="off")
logger = get_logger("app")
os.chmod("logs", 0o555)
for number in range(20):
    logger.info("m", number=number)
fits = flush_logging(30)
for number in range(20, 400):
    logger.info("m", number=number)
crosses = flush_logging(0.3)
size = os.path.getsize("logs/app.log")
os.chmod("logs", 0o755)
assert flush_logging(60)
stats = get_stats()
count = stats["files"]["app"]["rotations"]
files = [f"logs/app.log.{{number}}" for number in range(count, 0, -1)] + ["logs/app.log"]
lines = [json.loads(line)["number"] for file in files for line in open(file)]
print(json.dumps([fits, crosses, size, lines, stats]))
"""
    )
    fits, crosses, size, lines, stats = json.loads(done.stdout)
    assert (fits, crosses) == (True, False)
    assert size <= 20_000
    assert (stats["written"], stats["dropped"], stats["failed"]) == (400, 0, 0)
    assert lines == list(range(400))


def test_a_writer_that_cannot_write_does_not_use_up_a_core(run_python: Run) -> None:
    """All that it may hold back waits, and more in the queue: it tries again, and sleeps in between.

    Seen to fail (as much processor time as passed) with records in the queue taken for something to do.
    """
    done = run_python(
        """
import resource, signal, time
from unified_logger import get_logger, init_logging
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
init_logging(log_dir="logs", overflow="drop_new", console_format="off", black_box="off", queue_bytes=32 << 20)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
logger = get_logger("app")
for number in range(400):
    logger.info("m", text="x" * 50_000)
time.sleep(1)
before = time.process_time()
time.sleep(2)
print(time.process_time() - before < 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""
    )
    assert done.stdout == "True\n", done.stderr


def test_a_file_that_there_is_no_room_to_pack_stays_as_it_is(small_disk: Path, run_python: Run) -> None:
    """Its temporary file goes at once, the failure is counted and told by what it was, and other files are gone on with."""
    done = run_python(
        """
import json, os, random, time
from pathlib import Path
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", max_bytes=90_000, compress="zstd", keep="all", console_format="off")
with open("logs/ballast", "wb") as ballast:
    ballast.write(b"x" * 130 * 1024)
# Letters that no method makes much smaller.
for _ in range(10):
    get_logger("app").info(random.randbytes(5_000).hex())
assert flush_logging(10)
def files(): return get_stats()["files"]["app"]
deadline = time.monotonic() + 20
while not files()["archive_errors"] and time.monotonic() < deadline:
    time.sleep(0.02)
left = sorted(path.name for path in Path("logs").iterdir())
print(json.dumps([files(), left]))
"""
    )
    counts, left = json.loads(done.stdout)
    assert counts["archive_errors"] == 1
    assert counts["archive_waiting"] >= 1
    assert "app.log.1" in left
    assert [name for name in left if "packing" in name] == []
    assert "cannot pack a log file: " in done.stderr
    assert "No space left" in done.stderr
