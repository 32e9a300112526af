"""Programs that start as root and change their user right after, as daemons and workers of servers do."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from namespaces import in_namespace, needs_mounts

ANOTHER = 54_321

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

PROGRAM = f"""
import os, signal, sys
from unified_logger import flush_logging, get_logger, get_stats, init_logging, shutdown_logging

def become():
    os.setgroups([])
    os.setgid({ANOTHER})
    os.setuid({ANOTHER})

place, then = sys.argv[1:]
init_logging(log_dir="logs", console_format="off", black_box=place, max_bytes=0)
recovered = get_stats()["recovered"]
logger = get_logger("app")
if then == "die":
    flush_logging(10)
    os.unlink("logs/app.log")
    os.mkdir("logs/app.log")
become()
if then == "die":
    for number in range(1000):
        logger.info("m", number=number)
    os.kill(os.getpid(), signal.SIGKILL)
logger.info("end")
assert shutdown_logging(timeout=20)
# Where the box was there is nothing left to write to.
for number in range(500):
    logger.info("late", text="x" * (number * 100))
print(recovered, get_stats()["black_box"])
"""


@pytest.fixture
def site(site: Any) -> Any:
    """A directory in which programs log and die, and that every user can reach."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        site.path = Path(folder)
        (site.path / "program.py").write_text(PROGRAM)
        yield site


def in_shm(site: Any, script: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell script with shared memory of its own."""
    begin = "mount -t tmpfs tmpfs /dev/shm\nchmod 1777 /dev/shm\n"
    done = subprocess.run(in_namespace(begin + script), cwd=site.path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("place", ["shm", "dir"])
@needs_mounts
def test_a_start_finds_what_the_last_run_left_before_the_user_changes(site: Any, place: str) -> None:
    """The call of `init_logging` has recovered it when it returns; afterwards only root could.

    Seen to fail (0 recovered) with the look left to the writer, which loses its rights meanwhile.
    """
    done = in_shm(
        site,
        f"""
"$PYTHON" program.py {place} die || true
rmdir logs/app.log
"$PYTHON" program.py {place} end
""",
    )
    assert done.stdout == "1000 1\n", done.stderr
    assert "recover" not in done.stderr, done.stderr
    assert [line["number"] for line in site.lines() if line["message"] == "m"] == list(range(1000))


@pytest.mark.parametrize("place", ["shm", "dir"])
@needs_mounts
def test_an_orderly_end_without_the_right_to_remove_the_box_costs_no_memory(site: Any, place: str) -> None:
    """What is left of it is a mark of a few bytes; the next start, and the command, remove it and say nothing of it. Later calls write themselves.

    Seen to fail with boxes of 8 MiB that pile up; with one that is cut and still written to (SIGBUS); and with marks that count as boxes.
    """
    done = in_shm(
        site,
        f"""
list() {{ find /dev/shm/unified_logger-0 logs/.unified_logger -type f -printf '%s %k\\n' 2>/dev/null || true; }}
"$PYTHON" program.py {place} end; list
"$PYTHON" program.py {place} end; list
"$PYTHON" -m unified_logger.cli recover logs; list
""",
    )
    assert done.stdout.splitlines() == [
        "0 1", "8 4", "0 1", "8 4", "0 records recovered from 0 black boxes",
    ], done.stdout  # fmt: skip
    assert "recover" not in done.stderr.replace("(found are boxes of this user, made for this directory", ""), (
        done.stderr
    )
    assert sum(line["message"] == "late" for line in site.lines()) == 1_000


@needs_mounts
def test_a_child_that_changes_its_user_after_its_first_record_leaves_no_box(site: Any) -> None:
    """As gunicorn's workers do under `-u`: the parent, which stays root, removes what they could not.

    Seen to fail (a box of 8 MiB for each) with boxes that are only removed.
    """
    (site.path / "server.py").write_text(
        PROGRAM.split("place, then")[0]
        + """
import time
init_logging(log_dir="logs", console_format="off", black_box="shm")
logger = get_logger("app")
boxes = lambda: [entry.stat().st_size for entry in os.scandir("/dev/shm/unified_logger-0")]
for number in range(3):
    if os.fork() == 0:
        logger.info("booting", number=number)
        become()
        logger.info("works", number=number)
        assert shutdown_logging(timeout=20)
        os._exit(0)
    assert os.wait()[1] == 0
print(max(size for size in boxes() if size < 1000), sum(size > 1000 for size in boxes()), flush=True)
while len(boxes()) > 1:
    time.sleep(0.01)
"""
    )
    done = in_shm(site, '"$PYTHON" server.py\nfind /dev/shm/unified_logger-0 -type f\n')
    assert done.stdout == "8 1\n"
    assert done.stderr == ""


def test_a_box_that_holds_nothing_and_may_not_be_removed_is_no_alarm(site: Any) -> None:
    """Nobody misses anything. Seen to fail ("cannot remove …: Permission denied", status 1) with it told as one that is not recovered."""
    become = PROGRAM.split("place, then")[0] + "become()\n"
    site.logs.mkdir()
    os.chown(site.logs, ANOTHER, ANOTHER)
    site.run(
        become
        + """
init_logging(log_dir="logs", console_format="off", black_box="dir")
assert flush_logging(20)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    (box,) = site.boxes()
    box.parent.chmod(0o500)
    done = site.run(
        "import argparse\nfrom unified_logger.cli import recover\n"
        + become
        + """
sys.exit(recover.run(argparse.Namespace(all=False, copied=False, json=False, directory="logs")))
"""
    )
    # Their owner gives itself the right again, to keep what the process has counted.
    assert (done.returncode, done.stdout) == (0, "0 records recovered from 1 black box\n"), done.stderr
    assert "not recovered" not in done.stderr
    assert site.boxes() == []
