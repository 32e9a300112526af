"""A logrotate that somebody has set up for the same files: nothing is doubled, nothing of this library's own is lost, and it is told once."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import lives
import pytest
from kinds import Run

OPTIONS = {"max_bytes": 6_000, "rotate": "daily", "keep": "all", "compress": "gzip"}

PROGRAM = """
import json, os, subprocess, sys, threading, time
from unified_logger import flush_logging, get_logger, get_stats, init_logging
options, rotate, is_quiet = eval(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3] == "quiet"
init_logging(log_dir="logs", console_format="off", overflow_timeout=60, **options)
logger, number = get_logger("app"), 0

def log(count):
    global number
    for _ in range(count):
        logger.info("m", writer="w", number=number)
        number += 1
    assert flush_logging(30)

log(100)
for _ in range(4):
    if is_quiet:
        subprocess.run(rotate, check=True)
        log(60)
    else:
        process = subprocess.Popen(rotate)
        while process.poll() is None:
            log(5)
            time.sleep(0.005)
        assert process.returncode == 0
        log(20)
time.sleep(0.5)
log(5)
print(json.dumps({"number": number, "stats": get_stats()}))
"""


@pytest.fixture
def logrotate(tmp_path: Path, log_dir: Path) -> list[str]:
    """The command. What it does is appended to the file `how`."""
    program = shutil.which("logrotate", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        pytest.skip("logrotate is not installed")
    return [program, "--force", "--state", str(tmp_path / "state"), str(tmp_path / "logrotate.conf")]


def configure(tmp_path: Path, log_dir: Path, how: str) -> None:
    user = f"su {os.geteuid()} {os.getegid()}" if os.geteuid() == 0 else ""
    text = f"{log_dir}/app.log {{\n  rotate 10000\n  missingok\n  notifempty\n  {user}\n  {how}\n}}\n"
    path = tmp_path / "logrotate.conf"
    path.write_text(text, "utf-8")
    path.chmod(0o600)


@pytest.mark.parametrize("names", ["numbered", "dated"])
@pytest.mark.parametrize("how", ["copytruncate", "nocreate", "create"])
def test_nothing_is_doubled_or_lost(
    run_python: Run, tmp_path: Path, log_dir: Path, logrotate: list[str], how: str, names: str
) -> None:
    """Rotation by size and by time, packing and indexing go on beside it.

    A logrotate that copies and truncates loses by itself what is written in between: nothing is written then. Numbered names of both
    are the same, and logrotate does not know of the directory's lock: nothing is rotated here while it renames.
    """
    configure(tmp_path, log_dir, how)
    options = {**OPTIONS, "file_names": names}
    is_quiet = how == "copytruncate" or names == "numbered"
    done = run_python(PROGRAM, repr(options), json.dumps(logrotate), "quiet" if is_quiet else "busy", timeout=120)
    seen = json.loads(done.stdout)
    number, stats = seen["number"], seen["stats"]
    assert (stats["written"], stats["dropped"], stats["failed"]) == (number, 0, 0)
    assert lives.by_writer(log_dir) == {"w": list(range(number))}
    assert "renamed or emptied by something else" in done.stderr
    assert len([line for line in done.stderr.splitlines() if "renamed or emptied" in line]) == 1
    for _ in range(6):
        # One file may stay unpacked, beside that of logrotate. On a busy machine a program may end in the middle of another.
        if len(lives.undone_by_the_next(log_dir, options, 5)) == 0 or not lives.left_over(log_dir):
            break
    assert lives.by_writer(log_dir) == {"w": list(range(number))}
    assert lives.left_over(log_dir) == []


def test_logrotate_alone_is_no_trouble(run_python: Run, tmp_path: Path, log_dir: Path, logrotate: list[str]) -> None:
    """Where this library rotates nothing, nothing is told, and what logrotate has renamed is packed."""
    configure(tmp_path, log_dir, "create")
    options = {"max_bytes": 0, "keep": "all", "compress": "gzip"}
    done = run_python(PROGRAM, repr(options), json.dumps(logrotate), "busy", timeout=120)
    number = json.loads(done.stdout)["number"]
    assert done.stderr == ""
    assert lives.undone_by_the_next(log_dir, options) == []
    assert lives.by_writer(log_dir) == {"w": list(range(number))}
    assert len(lives.files(log_dir)) == 5
