"""Processes that log to standard output alone: on a root that cannot be written, as the first process, reconfigured, and when they crash."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kinds import Record, Run
from namespaces import in_namespace, needs_mounts

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs processes of POSIX")

PROGRAM = """
import sys
from unified_logger import *
init_logging(log_dir=None, console="stdout")
for number in range(1_000): get_logger("app").info("m", number=number)
assert flush_logging(30)
print(get_stats()["errors"], file=sys.stderr)
"""


def read(text: str) -> list[Record]:
    """The records of some lines."""
    return [json.loads(line) for line in text.splitlines()]


def check(done: subprocess.CompletedProcess[str]) -> None:
    """Checks that all is written, and nothing is complained of."""
    assert (done.returncode, done.stderr) == (0, "0\n")
    assert [record["number"] for record in read(done.stdout)] == list(range(1_000))


def test_a_working_directory_that_cannot_be_written(tmp_path: Path) -> None:
    """No file is tried, not even in the working directory."""
    if not Path("/proc/self").is_dir():
        pytest.skip("needs a directory in which nobody can make files")
    check(
        subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd="/proc", capture_output=True, text=True, timeout=60, check=False
        )
    )


@needs_mounts
def test_a_root_that_cannot_be_written(tmp_path: Path) -> None:
    """Everything is mounted read-only, shared memory too, as in a container with `readOnlyRootFilesystem`."""
    (tmp_path / "program.py").write_text(PROGRAM)
    script = f"""
mount -t tmpfs -o ro tmpfs /dev/shm
mount --bind / /mnt && mount -o remount,ro,bind /mnt && mount --rbind /proc /mnt/proc
if touch /mnt/tmp/file 2>/dev/null; then echo writable >&2; exit 9; fi
PYTHONDONTWRITEBYTECODE=1 exec chroot /mnt "$PYTHON" {tmp_path}/program.py
"""
    done = subprocess.run(in_namespace(script), capture_output=True, text=True, timeout=60, check=False)
    if "mount" in done.stderr:
        pytest.skip(f"this system does not allow the mounts: {done.stderr}")
    check(done)


def test_the_first_process_of_a_container(tmp_path: Path) -> None:
    """Number 1 has no handlers of signals by itself, and its end is that of all."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs `unshare`")
    first = [unshare, "--pid", "--fork", "--kill-child", sys.executable]
    probe = subprocess.run([*first, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=False)
    if probe.stdout != "1\n":
        pytest.skip(f"this system gives no number 1: {probe.stderr}")
    check(
        subprocess.run([*first, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    )


def test_a_start_that_cannot_write_says_how_to_go_on(run_python: Run) -> None:
    """The message about the directory names `log_dir=None`."""
    done = run_python(
        """
import os; os.chdir("/proc")
from unified_logger import *
try: init_logging()
except ConfigurationError as error: print(error)
init_logging(log_dir=None, console="stdout")
get_logger("app").info("order")
"""
    )
    said, line = done.stdout.splitlines()
    assert "log_dir=None logs to the console alone" in said
    assert json.loads(line)["message"] == "order"


def test_from_a_directory_to_none_and_back(run_python: Run, tmp_path: Path) -> None:
    """Each record is where logging led when it was logged, once."""
    done = run_python(
        """
from unified_logger import *
log = get_logger("app")
for round_ in range(6):
    init_logging(log_dir=None if round_ % 2 else "logs", console="stdout" if round_ % 2 else "stderr")
    for number in range(500): log.info("m", number=round_ * 1_000 + number)
assert shutdown_logging(30)
stats = get_stats()
assert (stats["written"], stats["dropped"], stats["failed"], stats["errors"]) == (3_000, 0, 0, 0), stats
"""
    )
    rounds = [
        [number for start in range(first, 6_000, 2_000) for number in range(start, start + 500)] for first in (0, 1_000)
    ]
    of_files = [json.loads(line)["number"] for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert of_files == rounds[0]
    assert [record["number"] for record in read(done.stdout)] == rounds[1]
    assert [record["number"] for record in read(done.stderr)] == rounds[0]
    assert list((tmp_path / "logs" / ".unified_logger").glob("*.box")) == []


def test_a_reload_may_take_the_directory_away(run_python: Run, tmp_path: Path) -> None:
    """And change the console. What has changed is logged."""
    done = run_python(
        """
import pathlib
from unified_logger import *
file = pathlib.Path("logging.yaml")
file.write_text("log_dir: logs\\n")
init_logging_from_config(file)
get_logger("app").info("one")
file.write_text("log_dir: null\\nconsole: stdout\\n")
changed = reload_logging()
assert changed["console"] == ("stderr", "stdout"), changed
assert changed["log_dir"][1] is None, changed
get_logger("app").info("two")
file.write_text("log_dir: logs\\n")
reload_logging()
get_logger("app").info("three")
"""
    )
    messages = [json.loads(line)["message"] for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert [message for message in messages if "configuration" not in message] == ["one", "three"]
    shown = [record["message"] for record in read(done.stdout)]
    assert shown[0].startswith("configuration read again")
    assert shown[1:] == ["two"]


def test_a_crash_is_told_on_standard_error(run_python: Run) -> None:
    """As the module `faulthandler` does by itself, since there is no directory for `faults.txt`."""
    done = run_python(PROGRAM + "\nimport faulthandler; faulthandler._sigsegv()", check=False)
    assert done.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in done.stderr


def test_faulthandler_can_be_off(run_python: Run) -> None:
    """With `fault_handler=False`, also after it was on; one that the program has turned on stays."""
    run_python(
        """
import faulthandler, sys
from unified_logger import *
init_logging(log_dir=None, fault_handler=False)
assert not faulthandler.is_enabled()
init_logging(log_dir=None)
assert faulthandler.is_enabled()
init_logging(log_dir="logs")
assert faulthandler.is_enabled()
init_logging(log_dir=None)
assert faulthandler.is_enabled()
init_logging(log_dir=None, fault_handler=False)
assert not faulthandler.is_enabled()
faulthandler.enable(sys.stdout)
init_logging(log_dir=None, fault_handler=False)
assert faulthandler.is_enabled()
"""
    )


def test_workers_of_a_server_share_the_stream(run_python: Run) -> None:
    """A master that logs, forks workers that log, and is told of a worker that is killed: nobody else loses anything."""
    done = run_python(
        """
import os, signal
from unified_logger import *
init_logging(log_dir=None, console="stdout")
log = get_logger("app")
ready, tell = os.pipe()
workers = []
for worker in range(4):
    child = os.fork()
    if child == 0:
        for number in range(500): log.info("m", worker=worker, number=number)
        assert flush_logging(30)
        os.write(tell, b"x")
        if worker == 0: signal.pause()
        os._exit(0)
    workers.append(child)
for _ in workers: os.read(ready, 1)
os.kill(workers[0], signal.SIGKILL)
for child in workers: os.waitpid(child, 0)
log.info("m", worker=-1, number=0)
"""
    )
    seen = sorted((record["worker"], record["number"]) for record in read(done.stdout))
    assert seen == [(-1, 0), *((worker, number) for worker in range(4) for number in range(500))]
