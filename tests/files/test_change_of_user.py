"""A process that may no longer look at its log directory, or make files in it, writes on into what it has open."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kinds import Numbers, Run

ANOTHER = 54_321
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

START = f"""
import json, os, sys
# What is imported later may lie in directories of root's.
import unified_logger.config, unified_logger.process.crashes, unified_logger.process.uncaught, unified_logger.context.propagation
from unified_logger import flush_logging, get_logger, get_stats, init_logging, shutdown_logging
logger = get_logger("app")

def log(first, last):
    for number in range(first, last):
        logger.error("m", number=number)

def become(user={ANOTHER}):
    os.setgroups([])
    os.setresgid(user, user, 0)
    os.setresuid(user, user, 0)

def become_root():
    os.setresuid(0, 0, 0)
    os.setresgid(0, 0, 0)
"""


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A directory that every user can enter; those of pytest are the test's alone."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@as_root
def test_open_files_are_written_after_a_change_of_user(run_python: Run, numbers: Numbers) -> None:
    """The directory is root's alone; the files are open. Nothing is counted as an error.

    Seen to fail with a look that is refused taken for a file that is not there.
    """
    done = run_python(
        START
        + """
init_logging(log_dir="logs", console_format="off")
log(0, 1)
assert flush_logging(30)
become()
for number in range(1, 101):
    log(number, number + 1)
    assert flush_logging(30)
print(json.dumps(get_stats()))
"""
    )
    stats = json.loads(done.stdout)
    assert (stats["accepted"], stats["written"], stats["errors"], stats["lock_unopened"]) == (101, 101, 0, 0)
    assert numbers() == numbers("errors.log") == list(range(101))


FORKS = """
number = os.fork()
if number == 0:
    try:
        become()
        log(1, 51)
        assert flush_logging(30)
        print(json.dumps(get_stats()), flush=True)
    finally:
        os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0
"""


@as_root
def test_a_child_of_another_user_writes_into_its_parent_s_files(run_python: Run, numbers: Numbers) -> None:
    """As workers of a server that starts logging as root and forks: they may open nothing there. What needs a rotation is not done by them.

    Seen to fail (every record dropped) with files that a child must open itself.
    """
    done = run_python(
        START
        + """
init_logging(log_dir="logs", console_format="off", black_box="off", max_bytes=3000, backup_count=100)
log(0, 1)
assert flush_logging(30)
"""
        + FORKS
        + "log(51, 61)\n"
    )
    stats = json.loads(done.stdout)
    assert (stats["accepted"], stats["written"], stats["dropped"]) == (50, 50, 0)
    assert stats["files"]["app"]["rotations"] == 0
    assert numbers() == numbers("errors.log") == list(range(61))


@as_root
def test_a_child_of_another_user_touches_no_file_of_its_own_that_has_the_number(run_python: Run, log_dir: Path) -> None:
    """It has closed what it had from its parent: then there is nothing to write to, and the records are dropped and counted."""
    done = run_python(
        START
        + """
import tempfile

init_logging(log_dir="logs", console_format="off", black_box="off")
log(0, 1)
assert flush_logging(30)
"""
        + FORKS.replace(
            "become()",
            "become(); os.closerange(3, 256)\n        tables = [tempfile.TemporaryFile(dir='/tmp') for _ in range(12)]",
        ).replace("assert flush_logging(30)", "assert not any(os.fstat(table.fileno()).st_size for table in tables)")
    )
    assert json.loads(done.stdout)["dropped"] == 50
    assert (log_dir / "app.log").read_text().count('"m"') == 1


@pytest.mark.parametrize("error", ["EACCES", "EIO", "ENOMEM", "ESTALE"])
def test_a_look_that_fails_tells_nothing_of_the_open_file(run_faulty: Run, numbers: Numbers, error: str) -> None:
    """Only ENOENT says that a file is gone. Seen to fail with every error taken for that."""
    run_faulty(
        f"""
from faults import calls, fail, log
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off", black_box="off")
logger = get_logger("app")
log(logger, range(10))
assert flush_logging(30)
opened = calls("open")
# Looks at names; those at what is open find the same path, and go well.
fail("look", error={error!r})
for number in range(10, 20):
    log(logger, range(number, number + 1))
    assert flush_logging(30)
assert calls("open") == opened
"""
    )
    assert numbers() == list(range(20))


@as_root
def test_a_full_disk_is_got_over_after_a_change_of_user(run_faulty: Run, numbers: Numbers) -> None:
    """A file that failed is opened anew, but not given up for that. Seen to fail with it closed after each failure."""
    run_faulty(
        START
        + """
from faults import fail, mend, wait_for
init_logging(log_dir="logs", console_format="off", black_box="off")
log(0, 1)
assert flush_logging(30)
become()
full = fail("write", error="ENOSPC", match="app.log")
log(1, 10)
wait_for(full, 3)
mend()
assert flush_logging(30)
"""
    )
    assert numbers() == list(range(10))


@as_root
def test_a_file_that_root_rotated_keeps_its_owner(run_python: Run, reachable: Path) -> None:
    """A job of root's that logs into a service's directory: the new file is the service's too, and the service goes on in it.

    Seen to fail with what root makes left to root.
    """
    run_python(
        START
        + f"""
import subprocess
os.chdir({str(reachable)!r})
os.mkdir("logs")
os.chown("logs", {ANOTHER}, {ANOTHER})
os.umask(0o077)
become()
init_logging(log_dir="logs", max_bytes=4000, backup_count=50, console_format="off", black_box="off")
log(0, 1)
assert flush_logging(30)
job = '''
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", max_bytes=4000, backup_count=50, console_format="off", black_box="off")
for number in range(50):
    get_logger("job").error("m")
assert flush_logging(30)
'''
become_root()
subprocess.run([sys.executable, "-c", job], check=True)
become()
log(1, 51)
assert flush_logging(10)
"""
    )
    logs = reachable / "logs"
    assert len(list(logs.glob("app.log.*"))) > 1
    assert {(path.stat().st_uid, path.stat().st_gid) for path in logs.iterdir()} == {(ANOTHER, ANOTHER)}
    assert {stat.S_IMODE(path.stat().st_mode) for path in logs.iterdir() if path.is_file()} == {0o600}


@as_root
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"compress": "zstd"}, 1),
        ({"keep": {"files": 3}}, 1),
        ({"keep": {"disk_free": "1%"}}, 1),
        ({}, 0),
    ],
)
def test_root_is_told_that_nothing_is_done_for_rotated_files_of_another_user(
    run_python: Run, reachable: Path, options: dict[str, object], told: int
) -> None:
    """Once, in however many directories and rounds."""
    done = run_python(
        START
        + f"""
os.chdir({str(reachable)!r})
for directory in ("logs", "more", "logs"):
    os.makedirs(directory, exist_ok=True)
    os.chown(directory, {ANOTHER}, {ANOTHER})
    init_logging(log_dir=directory, console_format="off", black_box="off", max_bytes=2_000, **{options!r})
    log(0, 60)
    assert flush_logging(30)
    shutdown_logging()
"""
    )
    assert done.stderr.count("are left to processes of that user") == told, done.stderr
    assert len(done.stderr.splitlines()) == told, done.stderr


@as_root
@pytest.mark.parametrize(
    "change",
    [
        "",
        "become()",
        "os.makedirs('logs/.unified_logger/ship'); open('logs/.unified_logger/ship/loki.position', 'w').close()",
    ],
    ids=["root", "a service that root has started", "root, where a shipper is registered"],
)
def test_rotations_keep_their_bound_where_files_are_left_to_another_user(
    run_python: Run, reachable: Path, change: str
) -> None:
    """No process of that user may run, as in a container with a directory of its host: then the disk would fill."""
    run_python(
        START
        + f"""
os.chdir({str(reachable)!r})
os.mkdir("logs")
os.chown("logs", {ANOTHER}, {ANOTHER})
init_logging(log_dir="logs", max_bytes=2_000, backup_count=3, console_format="off")
log(0, 1)
assert flush_logging(30)
{change}
for number in range(1, 100):
    log(number, number + 1)
    assert flush_logging(30)
assert get_stats()["files"]["app"]["rotations"] > 4
"""
    )
    assert {path.name for path in reachable.glob("logs/app.log.*")} == {"app.log.1", "app.log.2", "app.log.3"}


switches = pytest.mark.parametrize("switch", ["true", "false"], ids=["engine", "fallback handlers"])


@as_root
@switches
@pytest.mark.parametrize(("user", "group"), [(ANOTHER, ANOTHER), (0, ANOTHER), (ANOTHER, 0)])
def test_a_file_given_away_while_it_is_open_has_successors_of_the_same_user_and_group(
    run_python: Run, reachable: Path, switch: str, user: int, group: int
) -> None:
    """As by `chown`, and by a master that hands its files to its workers: they go on in what root has rotated.

    Seen to fail (files of root's) with the owner that the file had when it was opened, with a group that is left to root where the user is, and
    with fallback handlers that hand nothing on.
    """
    run_python(
        START
        + f"""
os.chdir({str(reachable)!r})
init_logging(log_dir="logs", dir_mode="755", file_mode="660", max_bytes=2000, backup_count=50, console_format="off", black_box="off")
log(0, 1)
assert flush_logging(30)
for name in os.listdir("logs"):
    os.chown("logs/" + name, {user}, {group})
log(1, 40)
assert flush_logging(30)
become()
with open("logs/app.log", "a"), open("logs/errors.log", "a"):
    pass
""",
        USE_UNIFIED_LOGGING=switch,
    )
    logs = reachable / "logs"
    assert len(list(logs.glob("app.log.*"))) > 1
    assert {(path.name, path.stat().st_uid, path.stat().st_gid) for path in logs.iterdir()} == {
        (path.name, user, group) for path in logs.iterdir()
    }


@switches
@pytest.mark.parametrize(("option", "mode"), [("", 0o600), (', file_mode="640"', 0o640)], ids=["default", "given"])
def test_a_file_that_was_closed_to_others_has_no_successor_that_is_open_to_them(
    run_python: Run, log_dir: Path, switch: str, option: str, mode: int
) -> None:
    """Unless an option asks for the mode. Nor is it opened to more than that. Seen to fail (0640) with the default for each new file."""
    run_python(
        START
        + f"""
os.umask(0o022)
init_logging(log_dir="logs", max_bytes=2000, backup_count=50, console_format="off", black_box="off"{option})
log(0, 1)
assert flush_logging(30)
os.chmod("logs/app.log", 0o400)
os.chmod("logs/errors.log", 0o666)
log(1, 40)
assert flush_logging(30)
""",
        USE_UNIFIED_LOGGING=switch,
    )
    assert len(list(log_dir.glob("app.log.*"))) > 1
    assert stat.S_IMODE((log_dir / "app.log").stat().st_mode) == mode
    assert stat.S_IMODE((log_dir / "errors.log").stat().st_mode) == 0o640


@as_root
def test_a_file_that_cannot_be_made_at_once_gets_its_owner_later(run_faulty: Run, log_dir: Path) -> None:
    """The one before it is closed by then. Seen to fail (root's) with the owner kept with the open file."""
    run_faulty(
        START
        + f"""
from faults import fail, mend, wait_for
init_logging(log_dir="logs", max_bytes=2000, backup_count=50, console_format="off", black_box="off")
log(0, 1)
assert flush_logging(30)
os.chown("logs/app.log", {ANOTHER}, {ANOTHER})
full = fail("open", error="ENOSPC", match="app.log")
log(1, 40)
wait_for(full, 2)
mend()
assert flush_logging(30)
"""
    )
    files = list(log_dir.glob("app.log*"))
    assert len(files) > 2
    assert {(path.stat().st_uid, path.stat().st_gid) for path in files} == {(ANOTHER, ANOTHER)}


@as_root
def test_a_lock_file_that_is_made_again_has_the_owner_of_the_one_before(run_python: Run, log_dir: Path) -> None:
    """The one that it has by then. Seen to fail (root's) with that of the time when it was opened."""
    run_python(
        START
        + f"""
init_logging(log_dir="logs", console_format="off", black_box="off")
log(0, 1)
assert flush_logging(30)
os.chown("logs/.unified_logger.lock", {ANOTHER}, {ANOTHER})
os.unlink("logs/.unified_logger.lock")
log(1, 2)
assert flush_logging(30)
"""
    )
    found = (log_dir / ".unified_logger.lock").stat()
    assert (found.st_uid, found.st_gid) == (ANOTHER, ANOTHER)


@as_root
def test_a_new_file_that_may_not_be_opened_leaves_the_old_one(run_python: Run, reachable: Path) -> None:
    """Another rotated the file and made one that is root's: records go on in the one that is open, which is said.

    They come back to the path as soon as that can be. Seen to fail with the open file closed first.
    """
    done = run_python(
        START
        + f"""
os.chdir({str(reachable)!r})
init_logging(log_dir="logs", dir_mode="755", console_format="off", black_box="off")
log(0, 1)
assert flush_logging(30)
become()
for first in (1, 10):
    become_root()
    os.rename("logs/app.log", f"logs/aside.{{first}}")
    os.close(os.open("logs/app.log", os.O_CREAT | os.O_WRONLY, 0o640))
    become()
    log(first, first + 5)
    assert flush_logging(10)
    log(first + 5, first + 9)
    assert flush_logging(10)
become_root()
log(19, 20)
assert flush_logging(10)
print(open("logs/aside.1").read().count('"m"'), open("logs/app.log").read().count('"m"'))
"""
    )
    assert done.stdout.split() == ["19", "1"]
    assert "cannot go on in the file that is there now" in done.stderr


@as_root
def test_a_new_file_of_this_user_s_is_found_in_a_directory_of_root_s(run_python: Run, reachable: Path) -> None:
    """As logrotate's `create` leaves it: nothing has to be made for it. Seen to fail with a directory that must be writable."""
    run_python(
        START
        + f"""
os.chdir({str(reachable)!r})
init_logging(log_dir="logs", dir_mode="755", console_format="off", black_box="off")
log(0, 1)
assert flush_logging(30)
os.rename("logs/app.log", "logs/aside")
os.close(os.open("logs/app.log", os.O_CREAT | os.O_WRONLY, 0o640))
os.chown("logs/app.log", {ANOTHER}, {ANOTHER})
become()
log(1, 6)
assert flush_logging(10)
"""
    )
    assert (reachable / "logs" / "app.log").read_text().count('"m"') == 5


def test_a_look_that_fails_costs_no_rotated_file(run_faulty: Run, numbers: Numbers) -> None:
    """What cannot be looked at may be there. Seen to fail (records lost) with it taken for a gap in the numbers."""
    run_faulty(
        """
from faults import fail, mend
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", max_bytes=1000, backup_count=50, console_format="off", black_box="off")
logger = get_logger("app")
for number in range(40):
    if number == 20:
        fail("look", error="EIO", match="app.log.")
    logger.info("m", number=number)
    flush_logging(0.2)
mend()
assert flush_logging(30)
"""
    )
    assert numbers() == list(range(40))
