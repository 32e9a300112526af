"""Boxes decide which files are written, rotated and cut: those that another user could have planted are not read."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from namespaces import in_namespace, needs_mounts

SOMEBODY = 12345
ANOTHER = 23456

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to act for another user")


@pytest.fixture
def site(site: Any) -> Any:
    """A directory in which programs log and die, and that every user can reach."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        site.path = Path(folder)
        yield site


def give(user: int, *paths: Path) -> None:
    """Makes files and directories a user's, group included."""
    for path in paths:
        os.chown(path, user, user)


def everything(directory: Path) -> dict[str, tuple[int, int, bytes]]:
    """Owner, mode and content of each file beside the boxes."""
    return {
        path.name: (path.stat().st_uid, path.stat().st_mode & 0o777, path.read_bytes())
        for path in directory.iterdir()
        if path.is_file()
    }


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o755, 0o750])
def test_a_box_and_its_directory_planted_in_a_log_directory_of_root_are_not_read(site: Any, mode: int) -> None:
    """Neither by the command nor by a process that logs there, and both say so.

    Seen to fail with boxes believed whose owner owns the directory that they lie in.
    """
    box = site.left_behind()
    give(SOMEBODY, box, box.parent)
    site.logs.chmod(mode)
    before = everything(site.logs)
    done = site.recover()
    assert (done.returncode, done.stdout) == (1, "0 records recovered from 0 black boxes\n")
    assert "it belongs to another user" in done.stderr
    assert everything(site.logs) == before
    done = site.restart()
    assert done.stderr.count("it belongs to another user, so that no black box in it is read") == 1
    assert site.numbers() == []
    assert site.boxes() == [box]


@pytest.mark.parametrize("place", ["shm", "dir", "off"])
@needs_mounts
def test_boxes_planted_in_shared_memory_are_not_read(site: Any, place: str) -> None:
    """Whoever is first there after a start of the machine may make root's directory.

    Seen to fail with boxes believed whose owner owns the directory that they lie in.
    """
    program = site.path / "program.py"
    program.write_text(
        """
import os, signal, sys
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off", black_box=sys.argv[1], overflow_timeout=60)
if sys.argv[1:] == ["shm", "die"]:
    flush_logging(10)
    os.rename("logs/app.log", "logs/kept")
    os.mkdir("logs/app.log")
    for number in range(10):
        get_logger("app").info("m", number=number)
    os.kill(os.getpid(), signal.SIGKILL)
get_logger("root").info("of root")
sys.exit(not flush_logging(20))
"""
    )
    script = f"""
mount -t tmpfs tmpfs /dev/shm
chmod 1777 /dev/shm
"$PYTHON" program.py shm die || true
rmdir logs/app.log
chown -R {SOMEBODY}:{SOMEBODY} /dev/shm/unified_logger-0
ls /dev/shm/unified_logger-0
"$PYTHON" program.py {place}
"$PYTHON" -m unified_logger.cli recover logs || true
ls /dev/shm/unified_logger-0
"""
    done = subprocess.run(in_namespace(script), cwd=site.path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    first, told, second = done.stdout.splitlines()
    assert (first, told) == (second, "0 records recovered from 0 black boxes")
    assert "it belongs to another user" in done.stderr
    assert [line["message"] for line in site.lines() if line["logger"] in ("app", "root")] == ["of root"]


@pytest.mark.parametrize("mode", [0o1777, 0o775, 0o757])
def test_root_does_not_believe_boxes_in_a_directory_that_more_than_its_owner_may_write(site: Any, mode: int) -> None:
    """Another user could have moved them there. Seen to fail without the look at the log directory's mode."""
    box = site.left_behind()
    give(SOMEBODY, box, box.parent, site.logs)
    site.logs.chmod(mode)
    assert site.recover().stdout == "0 records recovered from 0 black boxes\n"
    assert site.boxes() == [box]


@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702])
def test_a_directory_of_boxes_that_others_may_write_is_not_believed(site: Any, mode: int) -> None:
    """Though it is this user's. Seen to fail without the look at its mode."""
    box = site.left_behind()
    box.parent.chmod(mode)
    done = site.recover()
    assert (done.returncode, done.stdout) == (1, "0 records recovered from 0 black boxes\n")
    assert "other users may write in it" in done.stderr
    box.parent.chmod(0o700)
    assert site.recover().stdout == "10 records recovered from 1 black box\n"


def test_a_box_that_others_may_write_is_not_believed(site: Any) -> None:
    """Though it is this user's. Seen to fail without the look at its mode."""
    box = site.left_behind()
    box.chmod(0o602)
    assert site.recover().stdout == "0 records recovered from 0 black boxes\n"
    box.chmod(0o600)
    assert site.recover().stdout == "10 records recovered from 1 black box\n"


def test_root_recovers_for_a_services_user_with_that_users_rights(site: Any) -> None:
    """The files are the user's, as if the service had written them. Seen to fail (files of root) with root's own rights."""
    site.left_behind()
    give(SOMEBODY, site.logs, *site.logs.rglob("*"))
    done = site.recover()
    assert done.stdout == "10 records recovered from 1 black box\n", done.stderr
    assert site.numbers() == list(range(10))
    assert {path.stat().st_uid for path in site.logs.rglob("*")} == {SOMEBODY}
    assert site.boxes() == []


def test_a_recovery_for_a_user_reaches_no_file_that_the_user_could_not(site: Any) -> None:
    """A file of root's in the user's own directory stays as it is, and the box waits.

    Seen to fail (the records stand in root's file) with root's own rights.
    """
    site.left_behind()
    give(SOMEBODY, site.logs, *site.logs.rglob("*"))
    precious = site.logs / "app.log"
    precious.write_bytes(b"precious\n")
    precious.chmod(0o600)
    done = site.recover()
    assert (done.returncode, done.stdout) == (1, "0 records recovered from 0 black boxes\n")
    assert "Permission denied" in done.stderr
    assert precious.read_bytes() == b"precious\n"
    give(SOMEBODY, *site.logs.glob("*.log"))
    assert site.recover().stdout == "10 records recovered from 1 black box\n"


def test_a_process_of_root_has_its_rights_again_after_a_recovery_for_another_user(site: Any) -> None:
    """It writes to its own files as before, and the box of another user is gone.

    Seen to fail with rights that are not given back.
    """
    site.left_behind()
    (site.logs / "app.log").touch(0o600)
    give(SOMEBODY, site.logs, *site.logs.rglob("*"))
    done = site.run(
        """
from pathlib import Path
init_logging(log_dir="logs", console_format="off", black_box="off")
while get_stats()["recovered"] < 10:
    time.sleep(0.01)
os.unlink("logs/app.log")
os.mkdir("other", 0o700)
init_logging(log_dir="other", console_format="off", black_box="off")
get_logger("app").info("m", number=10)
init_logging(log_dir="logs", console_format="off", black_box="off")
get_logger("app").info("m", number=11)
assert flush_logging(20)
rights = [line.split()[1:] for line in Path("/proc/thread-self/status").read_text().splitlines() if line[:4] in ("Uid:", "Gid:")]
print(rights == [["0"] * 4] * 2)
"""
    )
    assert done.stdout == "True\n", done.stderr
    assert site.numbers() == [11]
    assert (site.path / "other" / "app.log").stat().st_uid == 0


def test_a_file_that_is_no_box_is_set_aside_without_being_read(site: Any) -> None:
    """However long the file system says that it is. Seen to fail (as much memory as it is long) with the whole file read first."""
    box = site.left_behind()
    for number, length in enumerate([1 << 31, (1 << 31) + 1, 1 << 40, 0, 100]):
        with (box.parent / f"1-{number}.box").open("wb") as file:
            file.write(b"\0" * min(length, 8192))
            file.truncate(length)
        (box.parent / f"1-{number}.box").chmod(0o600)
    done = site.run(
        """
import resource
from unified_logger import _core
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
told = _core.recover(os.path.abspath("logs"))
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(told["records"], [reason for _, reason in told["aside"]], told["failed"], grown < 30_000 or grown)
"""
    )
    assert done.stdout == f"10 {['it is not a black box'] * 5} [] True\n", done.stderr


def test_a_user_neither_reads_boxes_of_root_nor_complains_of_them(site: Any) -> None:
    """Root plants nothing. Seen to fail (a complaint from each worker of a server that root started) with root taken for any other."""
    site.left_behind()
    (site.logs / "app.log").touch(0o600)
    site.logs.chmod(0o777)
    give(ANOTHER, *site.logs.glob("*.log"), site.logs / ".unified_logger.lock")
    done = site.run(
        f"""
os.setgroups([])
os.setgid({ANOTHER})
os.setuid({ANOTHER})
init_logging(log_dir="logs", console_format="off", black_box="shm")
print(flush_logging(20), get_stats()["recovered"])
"""
    )
    assert done.stdout == "True 0\n", done.stderr
    assert "black box" not in done.stderr


@pytest.mark.parametrize("reachable", [True, False])
def test_the_command_says_that_it_could_not_look(site: Any, reachable: bool) -> None:
    """Run by a user who may not read root's directory of boxes, or not even enter the log directory. A recovery of nothing is no success then.

    Seen to fail ("0 records recovered", status 0) with a directory that cannot be read taken for one without boxes.
    """
    site.left_behind()
    site.logs.chmod(0o755 if reachable else 0o700)
    done = site.run(
        f"""
import argparse
from unified_logger.cli import recover
os.setgroups([])
os.setgid({ANOTHER})
os.setuid({ANOTHER})
sys.exit(recover.run(argparse.Namespace(all=False, copied=False, json=False, directory="logs")))
"""
    )
    assert (done.returncode, done.stdout) == (1, "0 records recovered from 0 black boxes\n"), done.stderr
    reason = "it belongs to root, who alone may recover from it" if reachable else "it cannot be looked at"
    assert f"logs/.unified_logger' is read: {reason}\n" in done.stderr
    assert site.recover().stdout == "10 records recovered from 1 black box\n"


@pytest.mark.parametrize("umask", [0o777, 0o177])
def test_a_umask_that_takes_from_the_owner_as_well_leaves_a_box(site: Any, umask: int) -> None:
    """Its directory and its file are the owner's, whose rights they need. Seen to fail (mode 0, no box for any user but root)."""
    site.path.joinpath("logs").mkdir()
    os.chown(site.logs, ANOTHER, ANOTHER)
    done = site.run(
        f"""
os.setgroups([])
os.setgid({ANOTHER})
os.setuid({ANOTHER})
os.umask({umask})
init_logging(log_dir="logs", console_format="off", black_box="dir")
get_logger("app").info("m", number=0)
print(flush_logging(20), get_stats()["black_box"], oct(os.stat("logs/.unified_logger").st_mode))
"""
    )
    assert done.stdout == "True 1 0o40700\n", done.stderr


def test_a_recovery_for_another_user_leaves_the_process_as_it_was(site: Any) -> None:
    """It may dump core, and no thread keeps rights of its own. Seen to fail (no core dumps) with rights that are changed and given back."""
    site.left_behind()
    (site.logs / "app.log").touch(0o600)
    give(SOMEBODY, site.logs, *site.logs.rglob("*"))
    done = site.run(
        """
import ctypes
from pathlib import Path
prctl = ctypes.CDLL(None).prctl
prctl(4, 1)
init_logging(log_dir="logs", console_format="off", black_box="off")
while get_stats()["recovered"] < 10:
    time.sleep(0.01)
users = {line for path in Path("/proc/self/task").glob("*/status") for line in path.read_text().splitlines() if line[:4] in ("Uid:", "Gid:")}
print(prctl(3), len({tuple(line.split()[1:]) for line in users}))
"""
    )
    assert done.stdout == "1 1\n", done.stderr
    assert site.numbers() == list(range(10))


def test_a_living_owner_that_nobody_may_look_into_keeps_its_box(site: Any) -> None:
    """It changed its user, say, and closed its descriptors. Seen to fail (records twice) with what cannot be read taken for free."""
    site.logs.mkdir()
    os.chown(site.logs, ANOTHER, ANOTHER)
    become = f"import ctypes; os.setgroups([]); os.setgid({ANOTHER}); os.setuid({ANOTHER})\n"
    owner = site.start(
        become
        + """
init_logging(log_dir="logs", console_format="off", black_box="dir")
get_logger("app").info("m", number=0)
assert flush_logging(20)
ctypes.CDLL(None).prctl(4, 0)
os.closerange(3, 256)
os.kill(os.getpid(), signal.SIGSTOP)
for number in range(1, 100):
    get_logger("app").info("m", number=number)
assert flush_logging(20)
"""
    )
    os.waitpid(owner.pid, os.WUNTRACED)
    done = site.run(
        become + 'init_logging(log_dir="logs", console_format="off", black_box="off"); assert flush_logging(20)'
    )
    assert done.returncode == 0, done.stderr
    assert len(site.boxes()) == 1
    owner.send_signal(signal.SIGCONT)
    owner.wait(30)
    assert site.numbers() == list(range(100))
    assert site.notices() == []
