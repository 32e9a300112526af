"""A process that forks while a rotated file is packed: its child has nothing of that work, and the work goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import lives
import pytest
from kinds import Run
from programs import OPEN_FILES

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="the open files of a process are not listed here"
)

LINE = b'{"timestamp":"2026-02-19T10:30:00Z","level":"INFO","logger":"shop","message":"%s"}\n'

PRELUDE = (
    """
import glob, os, sys, time
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", console_format="off", keep="all", max_bytes=0, compress="zstd", compress_level=int(sys.argv[1]))
get_logger("app").info("m")
assert flush_logging(30)

def wait(is_so):
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, os.listdir("logs")
        time.sleep(0.02)

def is_any_packed():
    return any(name.endswith("-packing") for name in open_files())
"""
    + OPEN_FILES
)


def put_large(log_dir: Path, megabytes: int) -> bytes:
    log_dir.mkdir()
    line = LINE % os.urandom(5_000).hex().encode()
    content = b"".join(LINE % os.urandom(5_000).hex().encode() for _ in range(megabytes * (1 << 20) // len(line)))
    (log_dir / "app.log.1").write_bytes(content)
    return content


def test_a_child_has_none_of_its_files(log_dir: Path, tmp_path: Path) -> None:
    """It outlives the parent, which is killed. What that left goes in the next round of another process."""
    content = put_large(log_dir, 30)
    code = (
        PRELUDE
        + """
wait(is_any_packed)
pid = os.fork()
if not pid:
    names = open_files()
    assert not [name for name in names if name.endswith("-packing") or name.startswith("app.log.1")], names
    print("child", os.getpid(), flush=True)
    sys.stdin.read()
    os._exit(0)
# It goes on in the parent, with the same file.
wait(is_any_packed)
print("parent", flush=True)
os.waitpid(pid, 0)
"""
    )
    program = [sys.executable, "-c", code, "19"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        lines = sorted(process.stdout.readline().split()[0] for _ in range(2))
        assert lines == ["child", "parent"]
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert lives.left_over(log_dir) != []
        options = {"keep": "all", "max_bytes": 0, "compress": "zstd", "compress_level": 1}
        # While the child lives.
        assert lives.undone_by_the_next(log_dir, options) == []
        process.communicate(timeout=60)
    assert lives.text(log_dir / "app.log.1.zst") == content


def test_a_program_that_forks_all_the_time_packs_a_large_file(run_python: Run, log_dir: Path) -> None:
    """A fork ends the thread that packs, and the next one goes on with the part that comes next."""
    content = put_large(log_dir, 60)
    started = time.monotonic()
    done = run_python(
        PRELUDE
        + """
longest = 0
deadline = time.monotonic() + 45
while not os.path.exists("logs/app.log.1.zst") or os.path.exists("logs/app.log.1"):
    assert time.monotonic() < deadline, os.listdir("logs")
    started = time.monotonic()
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    longest = max(longest, time.monotonic() - started)
    time.sleep(0.2)
print(longest)
""",
        "3",
    )
    assert done.stderr == ""
    # A fork waits 0.1 s for the thread at most. The rest is for a machine that is busy.
    assert float(done.stdout) < 2
    assert lives.text(log_dir / "app.log.1.zst") == content
    assert lives.left_over(log_dir) == []
    assert time.monotonic() - started < 60
