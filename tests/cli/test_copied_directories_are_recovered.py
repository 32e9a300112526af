"""`unified-logger recover` of a directory that was copied from a machine that died."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

from unified_logger import _core

# The records come into the box, and into no file: the name of the file is a directory's.
DIES = """
import os, signal, sys
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off", black_box="dir")
get_logger("app").info("written", number=-1)
flush_logging()
os.rename("logs/app.log", "logs/kept")
os.mkdir("logs/app.log")
for number in range(10):
    get_logger("app").info("m", number=number)
print("ready", flush=True)
if len(sys.argv) > 1:
    sys.stdin.read()
os.kill(os.getpid(), signal.SIGKILL)
"""


def as_it_was(logs: Path) -> None:
    """Gives the file its name back."""
    (logs / "app.log").rmdir()
    (logs / "kept").rename(logs / "app.log")


def copied(logs: Path) -> Path:
    """The directory elsewhere, with other times and without the locks of the original."""
    copy = logs.parent / "copy" / "of-the-dead"
    shutil.copytree(logs, copy)
    for path in copy.rglob("*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    return copy


def numbers(logs: Path) -> list[int]:
    lines = (logs / "app.log").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [record["number"] for record in records if record["logger"] == "app"]


@pytest.mark.parametrize("more", [[], ["--copied"]])
def test_records_are_written_once_into_the_copy(
    run: Run, run_python: Callable[..., Any], tmp_path: Path, more: list[str]
) -> None:
    """Behind those that are there, and a second time nothing. The original is not touched."""
    assert run_python(DIES, check=False).stdout == "ready\n"
    logs = tmp_path / "logs"
    as_it_was(logs)
    copy = copied(logs)
    before = (logs / "app.log").read_bytes()
    done = run("recover", str(copy), "--json", *more)
    report = json.loads(done.stdout)
    assert (done.returncode, report["boxes"], report["held"], report["failed"]) == (0, 1, [], [])
    assert numbers(copy) == [-1, *range(10)]
    assert json.loads(run("recover", str(copy), "--json", *more).stdout)["boxes"] == 0
    assert numbers(copy) == [-1, *range(10)]
    assert (logs / "app.log").read_bytes() == before


def can_have_numbers_of_its_own() -> bool:
    """Whether this user may start a process with a number of its own choice, as in a container."""
    if shutil.which("unshare") is None:
        return False
    probe = ["unshare", "--pid", "--fork", "true"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_have_numbers_of_its_own(), reason="needs the right to make a namespace of processes")
def test_a_process_with_the_same_number_may_live_here(run: Run, tmp_path: Path) -> None:
    """The dead one was number 1 of its machine, and here a process has that number, too.

    Seen to fail without --copied, where the system does not say what process 1 has mapped.
    """
    command = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", DIES, "waits"]
    program = subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
    finally:
        program.kill()
        program.wait(60)
        program.communicate()
    as_it_was(tmp_path / "logs")
    copy = copied(tmp_path / "logs")
    (box,) = _core.black_boxes(str(copy))[0]
    assert box["process"] == 1
    # What is seen of process 1 here depends on the rights of this user. Without --copied the box may be left, and that is said.
    done = run("recover", str(copy), "--json")
    report = json.loads(done.stdout)
    if report["boxes"] == 0:
        assert done.returncode == 1
        assert "use --copied" in report["held"][0]["reason"]
        done = run("recover", str(copy), "--copied", "--json")
        report = json.loads(done.stdout)
    assert (done.returncode, report["boxes"], report["held"]) == (0, 1, [])
    assert numbers(copy) == [-1, *range(10)]


def test_copied_is_for_one_directory(run: Run) -> None:
    """Boxes in shared memory are those of this machine."""
    done = run("recover", "--all", "--copied")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--copied is for one directory" in done.stderr
