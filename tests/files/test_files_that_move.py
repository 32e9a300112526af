"""Log files that are removed, replaced, renamed or truncated by others while they are written."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from kinds import Numbers, Run


def test_a_removed_directory_is_made_again(run_python: Run, numbers: Numbers) -> None:
    """With its mode, its files and its lock, and no call notices; what was written before went with it.

    Seen to fail without the directory made before a file is opened again, with the open file kept, and with the lock file kept.
    """
    done = run_python(
        """
import json, os, shutil, stat
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", console_format="off")
logger = get_logger("app")
logger.info("m", number=0)
assert flush_logging(30)
shutil.rmtree("logs")
for number in range(1, 100):
    logger.info("m", number=number)
assert flush_logging(30)
for number in range(100, 200):
    logger.info("m", number=number)
assert flush_logging(30)
print(json.dumps([stat.S_IMODE(os.stat("logs").st_mode), sorted(os.listdir("logs")), get_stats()]))
"""
    )
    mode, names, stats = json.loads(done.stdout)
    assert mode == 0o750
    assert {".unified_logger.lock", "app.log"} <= set(names)
    assert (stats["written"], stats["dropped"], stats["failed"]) == (200, 0, 0)
    assert stats["lock_unopened"] == 1
    assert numbers() == list(range(1, 200))


@pytest.mark.parametrize("thing", ["fifo", "directory"])
def test_what_is_no_file_is_waited_out(run_python: Run, numbers: Numbers, thing: str) -> None:
    """A FIFO that nobody reads, or a directory, in place of a log file: no call and no other file waits for it.

    Seen to fail with the open file kept, with records dropped after a failed write, and with a FIFO taken for a file.
    """
    make, remove = {"fifo": ("os.mkfifo", "os.unlink"), "directory": ("os.mkdir", "os.rmdir")}[thing]
    done = run_python(
        f"""
import json, os, time
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", console_format="off")
logger = get_logger("app")
logger.error("m", number=0)
assert flush_logging(30)
os.unlink("logs/errors.log")
{make}("logs/errors.log")
for number in range(1, 100):
    logger.error("m", number=number)
on_disk = flush_logging(0.3)
app = open("logs/app.log").read().count("\\n")
{remove}("logs/errors.log")
assert flush_logging(30)
print(json.dumps([on_disk, app, get_stats()]))
"""
    )
    on_disk, app, stats = json.loads(done.stdout)
    assert (on_disk, app) == (False, 100)
    assert (stats["written"], stats["dropped"], stats["failed"]) == (100, 0, 0)
    assert numbers() == list(range(100))
    assert numbers("errors.log") == list(range(1, 100))
    assert len(done.stderr) <= 64 * 1024


@pytest.mark.parametrize("thing", ["fifo", "directory"])
def test_what_is_no_file_is_refused_at_the_start(run_python: Run, log_dir: Path, thing: str) -> None:
    """Nobody waits for a reader that may never come. Seen to fail with a FIFO taken for a file."""
    log_dir.mkdir()
    (os.mkfifo if thing == "fifo" else os.mkdir)(log_dir / "app.log")
    done = run_python(
        """
from unified_logger import ConfigurationError, init_logging
try:
    init_logging(log_dir="logs", console_format="off")
except ConfigurationError as error:
    print("app.log" in str(error))
"""
    )
    assert done.stdout.split() == ["True"]


@pytest.fixture(scope="session")
def logrotate() -> str:
    """The real program."""
    found = shutil.which("logrotate", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], capture_output=True, timeout=120, check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "logrotate"], capture_output=True, timeout=120, check=False)
        found = shutil.which("logrotate", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        pytest.skip("logrotate is not installed and cannot be")
    return found


ROTATING = """
import json, subprocess, sys
from unified_logger import flush_logging, get_logger, get_stats, init_logging
program, pause = sys.argv[1], sys.argv[2] == "pause"
init_logging(log_dir="logs", max_bytes=0, overflow_timeout=60, console_format="off")
logger = get_logger("app")
number = 0
for _ in range(5):
    for _ in range(500):
        logger.info("m", number=number)
        number += 1
    assert flush_logging(30)
    rotating = subprocess.Popen([program, "--force", "--state", "state", "rotate.conf"])
    while rotating.poll() is None:
        if not pause:
            logger.info("m", number=number)
            number += 1
    assert rotating.returncode == 0
for _ in range(500):
    logger.info("m", number=number)
    number += 1
assert flush_logging(30)
print(json.dumps([number, get_stats()]))
"""


def configure(tmp_path: Path, log_dir: Path, how: str) -> None:
    """Write logrotate's configuration; it wants one that only its owner can write."""
    log_dir.mkdir(mode=0o750)
    file = tmp_path / "rotate.conf"
    file.write_text(f"{log_dir}/app.log {{\n rotate 20\n {how}\n missingok\n}}\n")
    file.chmod(0o644)


def test_logrotate_with_create_costs_no_record(
    run_python: Run, numbers: Numbers, tmp_path: Path, log_dir: Path, logrotate: str
) -> None:
    """The file is renamed under our hands while we write: what follows goes to the new one.

    Where we make that before logrotate does, it gives ours another name, `app.log-….backup`, before it makes its own.
    Seen to fail with the open file kept without a look at what is at its path.
    """
    configure(tmp_path, log_dir, "create 0640")
    total, stats = json.loads(run_python(ROTATING, logrotate, "log").stdout)
    assert (stats["written"], stats["dropped"], stats["failed"]) == (total, 0, 0)
    aside = [numbers(file.name) for file in log_dir.glob("app.log-*.backup")]
    found = numbers()
    for part in (found, *aside):
        assert part == sorted(part)
    assert sorted(itertools.chain(found, *aside)) == list(range(total))
    assert len(list(log_dir.glob("app.log.*"))) == 5
    current = [json.loads(line)["number"] for line in (log_dir / "app.log").read_text().splitlines()]
    assert current[-500:] == list(range(total - 500, total)), "what followed the last rotation is not in the new file"


def test_logrotate_with_copytruncate_costs_only_what_falls_between(
    run_python: Run, numbers: Numbers, tmp_path: Path, log_dir: Path, logrotate: str
) -> None:
    """Between its copy and its truncate nothing can be promised; when nothing is logged then, nothing is missing.

    Seen to fail with files that are not opened for appending.
    """
    configure(tmp_path, log_dir, "copytruncate")
    total, _ = json.loads(run_python(ROTATING, logrotate, "pause").stdout)
    assert numbers() == list(range(total)) == list(range(3_000))


def test_logrotate_with_copytruncate_leaves_whole_lines(
    run_python: Run, numbers: Numbers, tmp_path: Path, log_dir: Path, logrotate: str
) -> None:
    """Under load, what is there is in order, nothing twice, no hole of NUL bytes, and the last records are all there.

    Seen to fail with files that are not opened for appending.
    """
    configure(tmp_path, log_dir, "copytruncate")
    total, _ = json.loads(run_python(ROTATING, logrotate, "log").stdout)
    # Its copy may end in the middle of a line that we were writing: the copy is not ours.
    for copy in log_dir.glob("app.log.*"):
        text = copy.read_bytes()
        assert b"\0" not in text
        copy.write_bytes(text[: text.rfind(b"\n") + 1])
    found = numbers()
    assert found == sorted(set(found))
    assert found[-500:] == list(range(total - 500, total))
