"""A process that has no descriptor left: logging goes on with those it has, and gets over what it cannot open."""

from __future__ import annotations

import json

from kinds import Numbers, Run

EXHAUST = """
import json, os, resource
from unified_logger import flush_logging, get_logger, get_stats, init_logging
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

def exhaust():
    taken = []
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        assert error.errno == 24, error
    return taken

def log(start, stop):
    for number in range(start, stop):
        get_logger("app").info("m", number=number)

"""


def test_rotation_needs_no_further_descriptor(run_python: Run, numbers: Numbers) -> None:
    """The new file takes the place of the old one. Seen to fail with the old one closed after the new one is opened."""
    done = run_python(
        EXHAUST
        + """
init_logging(log_dir="logs", max_bytes=10_000, backup_count=100, console_format="off")
log(0, 1)
assert flush_logging(30)
taken = exhaust()
log(1, 500)
on_disk = flush_logging(30)
stats = get_stats()
print(json.dumps([on_disk, stats]))
"""
    )
    on_disk, stats = json.loads(done.stdout)
    assert on_disk is True
    assert stats["files"]["app"]["rotations"] > 3
    assert (stats["written"], stats["dropped"], stats["failed"], stats["errors"]) == (500, 0, 0, 0)
    assert numbers() == list(range(500))


def test_a_directory_removed_meanwhile_is_made_again(run_python: Run, numbers: Numbers) -> None:
    """Of lock and files, each that is opened again takes its own descriptor: none of them is given away."""
    done = run_python(
        EXHAUST
        + """
import shutil
init_logging(log_dir="logs", console_format="off")
log(0, 1)
assert flush_logging(30)
shutil.rmtree("logs")
taken = exhaust()
log(1, 500)
on_disk = flush_logging(30)
print(json.dumps([on_disk, get_stats()]))
"""
    )
    on_disk, stats = json.loads(done.stdout)
    assert on_disk is True
    assert (stats["written"], stats["dropped"], stats["failed"]) == (500, 0, 0)
    assert numbers() == list(range(1, 500))


def test_a_start_without_descriptors_is_refused(run_python: Run, numbers: Numbers) -> None:
    """`init_logging` fails at once with the reason; with descriptors again it works, and what was logged is written."""
    done = run_python(
        EXHAUST
        + """
from unified_logger import ConfigurationError
log(0, 10)
taken = exhaust()
try:
    init_logging(log_dir="logs", console_format="off")
except ConfigurationError as error:
    print("Too many open files" in str(error))
for descriptor in taken:
    os.close(descriptor)
init_logging(log_dir="logs", console_format="off")
assert flush_logging(30)
"""
    )
    assert done.stdout.split() == ["True"]
    assert numbers() == list(range(10))


def test_a_child_without_descriptors_says_so_once(run_python: Run) -> None:
    """It cannot open the files for its first record: its records are dropped and counted, and stderr is not flooded.

    Seen to fail with a line written for each call.
    """
    done = run_python(
        EXHAUST
        + """
init_logging(log_dir="logs", console_format="off")
log(0, 1)
assert flush_logging(30)
pid = os.fork()
if pid == 0:
    exhaust()
    log(0, 500)
    stats = get_stats()
    print(json.dumps([stats[key] for key in ("accepted", "dropped", "errors")]), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
"""
    )
    assert json.loads(done.stdout) == [500, 500, 500]
    assert done.stderr.count("cannot start after a fork") <= 1
    assert len(done.stderr) < 1_000
