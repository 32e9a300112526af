"""Boxes in shared memory belong to one log directory, and none stays there for good because nobody looks for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from namespaces import in_namespace, needs_mounts

pytestmark = needs_mounts

PROGRAM = """
import os, signal, sys, time
from unified_logger import flush_logging, get_logger, init_logging
directory, count, *end = sys.argv[1:]
init_logging(log_dir=directory, console_format="off", black_box="shm")
logger = get_logger("app")
flush_logging(20)
if end == ["unwritten"]:
    os.rename(directory + "/app.log", directory + "/kept")
    os.mkdir(directory + "/app.log")
for number in range(int(count)):
    logger.info("m", number=number)
if end != ["unwritten"]:
    flush_logging(20)
if end == ["stays"]:
    time.sleep(float(os.environ.get("STAYS", "3")))
else:
    os.kill(os.getpid(), signal.SIGKILL)
"""
# The link on the way to the log directory is laid anew, and the box is waited for.
DEPLOY = """
import glob
def seen():
    return glob.glob("/dev/shm/unified_logger-*/*.box") + glob.glob("r2/logs/.unified_logger/*.box")
before = seen()
os.unlink("current")
os.symlink("r2", "current")
deadline = time.monotonic() + 30
while seen() == before:
    logger.info("new")
    time.sleep(0.05)
    assert time.monotonic() < deadline
assert flush_logging(20)
os.rename(directory + "/app.log", directory + "/kept")
os.mkdir(directory + "/app.log")
"""
# A program may recover what the one before it left as soon as that can be written: so paths are free again when all of them have ended.
SHARED = "mount -t tmpfs tmpfs /dev/shm; chmod 1777 /dev/shm"
COUNT = "ls /dev/shm/unified_logger-*/ | grep -c box"


@pytest.fixture
def shell(site: Any) -> Callable[..., str]:
    """Runs a script with shared memory of its own; `$run DIR COUNT [unwritten|stays]` is a program that logs and is killed."""
    (site.path / "program.py").write_text(PROGRAM)

    def run(script: str) -> str:
        command = 'run() { "$PYTHON" program.py "$@" || true; }\n'
        command += 'recover() { "$PYTHON" -m unified_logger.cli recover "$@" || true; }\n'
        command += f"count() {{ {COUNT} || true; }}\n"
        done = subprocess.run(
            in_namespace(f"{command}{SHARED}\n{script}"),
            cwd=site.path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def lines(directory: Path) -> int:
    """Records of the application in a directory."""
    return (directory / "app.log").read_text().count('"logger":"app"')


def test_a_box_is_not_taken_for_one_of_another_directory_at_the_same_path(site: Any, shell: Any) -> None:
    """Two services with a directory of their own each, mounted at one path, share their memory, as containers may.

    Seen to fail (the records of one in the files of the other) with boxes named for the path.
    """
    for name in ("one", "two", "logs"):
        (site.path / name).mkdir()
    told = shell(
        """
unshare --mount --propagation private sh -ec 'mount --bind one logs; "$@"; rmdir logs/app.log' - "$PYTHON" program.py logs 100 unwritten || true
unshare --mount --propagation private sh -ec 'mount --bind two logs; "$@"' - "$PYTHON" program.py logs 5 || true
unshare --mount --propagation private sh -ec 'mount --bind two logs; "$@"' - "$PYTHON" -m unified_logger.cli recover logs || true
rmdir one/app.log
unshare --mount --propagation private sh -ec 'mount --bind one logs; "$@"' - "$PYTHON" -m unified_logger.cli recover logs
"""
    )
    assert told.splitlines() == ["0 records recovered from 1 black box", "100 records recovered from 1 black box"]
    assert (lines(site.path / "one"), lines(site.path / "two")) == (100, 5)


def test_a_directory_that_was_made_again_does_not_get_the_records_of_the_one_before(site: Any, shell: Any) -> None:
    """They went with it. Seen to fail with boxes named for the path."""
    told = shell("run logs 100 unwritten; rm -r logs; sleep 0.1; run logs 5; recover logs")
    assert told == "0 records recovered from 1 black box\n"
    assert lines(site.logs) == 5


def test_a_directory_that_was_renamed_is_found_under_its_new_name(site: Any, shell: Any) -> None:
    """It is still the same. Seen to fail with boxes named for the path."""
    told = shell("run logs 100 unwritten; rmdir logs/app.log; mv logs moved; recover moved")
    assert told == "100 records recovered from 1 black box\n"
    assert lines(site.path / "moved") == 100


@pytest.mark.parametrize("place", ["shm", "dir"])
def test_a_box_follows_the_path_of_its_log_directory(site: Any, shell: Any, place: str) -> None:
    """A deploy lays the link `current` anew: the running process writes there, and what it leaves behind is found there.

    Seen to fail (found under the old release) with boxes that stay where they were made.
    """
    program = PROGRAM.replace('"shm"', repr(place))
    program = program.replace("for number in range(int(count)):", DEPLOY + "for number in range(int(count)):")
    (site.path / "program.py").write_text(program)
    told = shell(
        """
mkdir -p r1/logs r2/logs; ln -s r1 current
run current/logs 100 later
rmdir current/logs/app.log
recover r1/logs
recover current/logs
"""
    )
    assert told.splitlines() == ["0 records recovered from 0 black boxes", "100 records recovered from 1 black box"]
    numbers = [line for line in (site.path / "r2/logs/app.log").read_text().splitlines() if '"number":' in line]
    assert len(numbers) == 100


def test_empty_boxes_of_killed_processes_go_when_any_process_of_the_user_starts(site: Any, shell: Any) -> None:
    """One log directory for each run, as experiments and CI jobs have. Seen to fail (6 stay) with only the own directory looked after."""
    told = shell("for n in 1 2 3 4 5 6; do run run_$n 10; done; count; run elsewhere 10 stays; count")
    assert told.split() == ["1", "0"], "each run removes what the one before left"


def test_records_of_killed_processes_reach_their_directories_when_any_process_of_the_user_starts(
    site: Any, shell: Any
) -> None:
    """Nobody logs there any more. Seen to fail with only the own directory looked after."""
    told = shell(
        "for n in 1 2 3; do run run_$n 10 unwritten; done; rmdir run_*/app.log; count; run elsewhere 10 stays; count"
    )
    assert told.split() == ["3", "0"]
    assert [lines(site.path / f"run_{number}") for number in (1, 2, 3)] == [10, 10, 10]
    assert lines(site.path / "elsewhere") == 10


def test_recover_all_finds_every_directory(site: Any, shell: Any) -> None:
    """And tells which box waits for a directory that is gone. Seen to fail (no such option)."""
    told = shell(
        "for n in 1 2 3; do run run_$n 10 unwritten; done; rmdir run_*/app.log; rm -r run_3; recover --all 2>&1; count"
    )
    first, second, count = told.splitlines()
    assert first == "20 records recovered from 2 black boxes"
    assert "10 records, whose directory" in second
    assert second.endswith("run_3 is gone'")
    assert count == "1"
    assert [lines(site.path / f"run_{number}") for number in (1, 2)] == [10, 10]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give directories to other users")
def test_recover_all_leaves_what_another_user_could_exchange(site: Any, shell: Any) -> None:
    """As `recover DIR` does for root; the other directories are recovered, and this one later by somebody who may.

    Seen to fail (20 records recovered from 2 black boxes) with a directory that nobody asks about.
    """
    told = shell(
        """
mkdir theirs
for name in theirs/logs own; do run $name 10 unwritten; done; rmdir theirs/logs/app.log own/app.log
chown 12345 theirs
"$PYTHON" -m unified_logger.cli recover --all 2>&1 || echo $?; count
chown 0 theirs
"$PYTHON" -m unified_logger.cli recover --all 2>&1; count
"""
    )
    first, left, code, count, *later = told.splitlines()
    assert (first, code, count) == ("10 records recovered from 1 black box", "1", "1")
    assert left.startswith("left: ")
    assert "10 records: " in left
    assert "belongs to user 12345" in left
    assert "theirs/logs" in left
    assert later == ["10 records recovered from 1 black box", "0"]
    assert [lines(site.path / name) for name in ("theirs/logs", "own")] == [10, 10]


def test_a_box_whose_directory_is_gone_is_given_up_after_a_week(site: Any, shell: Any) -> None:
    """And that is said. Seen to fail with boxes that wait for good."""
    told = shell(
        """
run run_1 10 unwritten; rm -r run_1
touch -d '8 days ago' /dev/shm/unified_logger-*/*.box
recover --all 2>&1; count
"""
    )
    assert "10 records given up: their directory is gone" in told
    assert told.split()[-1] == "0"


def test_a_box_of_another_version_is_left_to_processes_of_its_own_directory(site: Any, shell: Any) -> None:
    """Two versions may be at work side by side, each in a directory of its own. Seen to fail (set aside) with every box set aside."""
    told = shell(
        """
run one 10 unwritten; rmdir one/app.log
printf '\\377' | dd of="$(ls /dev/shm/unified_logger-*/*.box)" bs=1 seek=8 conv=notrunc 2>/dev/null
run elsewhere 10 stays; recover --all; count; ls /dev/shm/unified_logger-*/*.box | wc -l
recover one 2>&1
"""
    )
    first, boxes, whole, *own = told.splitlines()
    assert (first, boxes, whole) == ("0 records recovered from 0 black boxes", "1", "1")
    assert "it is of format 255, this is format" in "".join(own)


def test_what_cannot_be_read_is_removed_after_a_week(site: Any, shell: Any) -> None:
    """Set aside or not: each is 8 MiB of memory. Seen to fail with files that stay for good."""
    told = shell(
        """
run one 10 unwritten; run two 10 unwritten
for box in $(ls /dev/shm/unified_logger-*/*.box); do printf '\\377' | dd of="$box" bs=1 seek=8 conv=notrunc 2>/dev/null; done
recover one 2>/dev/null; ls /dev/shm/unified_logger-*/
touch -d '8 days ago' /dev/shm/unified_logger-*/*
recover --all 2>&1; ls /dev/shm/unified_logger-*/ | wc -l
"""
    )
    assert ".aside" in told
    assert "removed, a week after it was set aside" in told
    assert "removed after a week: it is of format 255" in told
    assert told.split()[-1] == "0"


def test_living_processes_of_other_directories_keep_their_boxes(site: Any, shell: Any) -> None:
    """Whether they hold records or not. Seen to fail without a look at the lock."""
    told = shell("STAYS=8 run one 10 stays & sleep 3; run two 10 stays; recover --all; count; wait; count")
    assert told.split("\n") == ["0 records recovered from 0 black boxes", "1", "0", ""]


def test_recover_takes_a_directory_or_all() -> None:
    """One of them. Seen to fail (a traceback) with neither."""
    for words in ([], ["logs", "--all"]):
        done = subprocess.run(
            [sys.executable, "-m", "unified_logger.cli", "recover", *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2, done.stderr
        assert "usage" in done.stderr


def test_a_container_is_known_by_its_namespaces_and_root(site: Any) -> None:
    """containerd, ECS and sandboxes leave no file and no variable. Seen to fail with files and variables alone asked."""
    if subprocess.run(["unshare", "--pid", "--fork", "true"], check=False).returncode:
        pytest.skip("needs the right to make a namespace of processes")
    code = "from unified_logger import init_logging; import os; init_logging(log_dir='logs', console_format='off'); print(len(os.listdir('logs/.unified_logger')))"
    done = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code],
        cwd=site.path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "1\n", done.stderr
