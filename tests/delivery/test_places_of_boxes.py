"""Where boxes lie: shared memory of any size, beside the logs, nowhere; each said, none fatal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from kinds import Check
from namespaces import in_namespace, needs_mounts

WRITER = """
init_logging(log_dir="logs", console_format="off", black_box={place!r}, overflow_timeout=60, max_bytes=0)
logger = get_logger("app")
for number in range({count}):
    logger.info("m", number=number, writer=sys.argv[-1] if len(sys.argv) > 1 else "")
"""
DIE = "os.kill(os.getpid(), signal.SIGKILL)"
# All have their boxes before one dies and leaves its room to others.
WAIT_FOR_ALL = """
import time
open(f"ready{sys.argv[1]}", "w").close()
until = time.monotonic() + 60
while sum(name.startswith("ready") for name in os.listdir(".")) < 16 and time.monotonic() < until:
    time.sleep(0.02)
"""


def shared_memory(project: Path) -> list[Path]:
    """The boxes of this user in shared memory."""
    return sorted(Path(f"/dev/shm/unified_logger-{os.geteuid()}").glob("*"))


@needs_mounts
@pytest.mark.parametrize("size", ["64m", "1m"])
def test_sixteen_processes_share_a_small_shared_memory(site: Any, size: str) -> None:
    """Those that find no room there have their boxes beside the logs and say so; all are killed, and nothing is lost.

    Seen to fail with shared memory as the only choice, and with room that is promised, not reserved.
    """
    program = site.path / "program.py"
    program.write_text(
        "import os, signal, sys\nfrom unified_logger import get_logger, init_logging\n"
        + WRITER.format(place="shm", count=500)
        + WAIT_FOR_ALL
        + DIE
    )
    script = f"""
mount -t tmpfs -o size={size} tmpfs /dev/shm
for writer in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    "$PYTHON" program.py $writer & pids="$pids $!"
done
wait $pids || true
"$PYTHON" -m unified_logger.cli recover logs
ls /dev/shm/unified_logger-*/ 2>/dev/null | wc -l
"""
    done = subprocess.run(in_namespace(script), cwd=site.path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = sorted((int(line["writer"]), line["number"]) for line in site.lines() if line["logger"] == "app")
    assert found == sorted((writer, number) for writer in range(16) for number in range(500))
    assert "cannot make the black box where it is wanted most: /dev/shm/" in done.stderr
    assert "; it is beside the logs, at " in done.stderr
    assert done.stdout.split()[-1] == "0"
    assert site.boxes() == []


@needs_mounts
def test_shared_memory_that_went_between_death_and_restart_is_no_trouble(site: Any) -> None:
    """As when a container is removed: what was in it is gone, the next process starts as ever.

    Gone with it is what could mend a line that the kill tore: such a line gets an end of its own before the next record.
    """
    program = site.path / "program.py"
    program.write_text(
        "import os, signal, sys\nfrom unified_logger import get_logger, init_logging\n"
        + WRITER.format(place="shm", count=500)
        + DIE
    )
    script = """
mount -t tmpfs -o size=64m tmpfs /dev/shm
"$PYTHON" program.py || true
umount /dev/shm
"$PYTHON" -m unified_logger.cli recover logs
"""
    done = subprocess.run(in_namespace(script), cwd=site.path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    written = (site.logs / "app.log").read_text(encoding="utf-8").splitlines(keepends=True)
    whole = [json.loads(line)["number"] for line in written if line.endswith("\n")]
    assert whole == list(range(len(whole)))
    assert site.run('init_logging(log_dir="logs", console_format="off"); get_logger("next").info("m")').returncode == 0
    now = (site.logs / "app.log").read_text(encoding="utf-8").splitlines()
    assert now[: len(written)] == "".join(written).splitlines()
    assert [json.loads(line)["logger"] for line in now[len(written) :]] == ["next"]


@needs_mounts
def test_a_full_disk_and_no_shared_memory_leave_plain_memory(site: Any, exactly_once: Check) -> None:
    """Logging goes on, and what no longer survives is said on stderr, in the log and in the statistics.

    Seen to fail with room that is promised, not reserved: there is a box that cannot be written.
    """
    site.logs.mkdir()
    program = site.path / "program.py"
    program.write_text(
        "import os, signal, sys\nfrom unified_logger import flush_logging, get_logger, get_stats, init_logging\n"
        + WRITER.format(place="shm", count=500)
        + "assert flush_logging(20)\nprint(get_stats()['black_box'])\n"
    )
    script = """
mount -t tmpfs -o size=1m tmpfs /dev/shm
mount -t tmpfs -o size=2m tmpfs logs
"$PYTHON" program.py
cp -r logs copied
"""
    done = subprocess.run(in_namespace(script), cwd=site.path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "0\n"
    assert done.stderr.count("cannot make a black box") == 1
    (site.path / "copied").rename(site.path / "moved")
    shutil.rmtree(site.logs)
    (site.path / "moved").rename(site.logs)
    exactly_once(site.numbers(), 500)
    assert any(line["message"].startswith("there is no black box") for line in site.lines())


def test_auto_keeps_the_box_where_it_outlives_the_container(site: Any) -> None:
    """Beside the logs in a container, in shared memory elsewhere. Seen to fail in a container that is not taken for one."""
    process = site.start(WRITER.format(place="auto", count=1) + 'print("ready", flush=True); time.sleep(60)')
    assert process.stdout.readline() == "ready\n"
    in_container = (
        Path("/.dockerenv").exists()
        or Path("/run/.containerenv").exists()
        or "KUBERNETES_SERVICE_HOST" in os.environ
        or "container" in os.environ
    )
    assert len(site.boxes()) == (1 if in_container else 0)
    site.kill(process)
    assert site.recover().returncode == 0


def test_a_container_is_known_by_its_environment(site: Any) -> None:
    """Kubernetes tells its containers where its API is. Seen to fail with a container that is not taken for one."""
    process = site.start(
        WRITER.format(place="auto", count=1) + 'print("ready", flush=True); time.sleep(60)',
        KUBERNETES_SERVICE_HOST="127.0.0.1",
    )
    assert process.stdout.readline() == "ready\n"
    assert len(site.boxes()) == 1
    site.kill(process)


def test_off_makes_no_box(site: Any) -> None:
    """Nothing but the catalogue is beside the logs, and nothing is said of it. Seen to fail with `off` taken for `dir`."""
    done = site.run(
        WRITER.format(place="off", count=10)
        + "assert flush_logging(20); print(get_stats()['black_box'], os.listdir('logs/.unified_logger'))"
    )
    assert done.stdout == "0 ['catalogue']\n"
    assert done.stderr == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to act for another user")
def test_another_users_directory_for_boxes_is_not_used(site: Any) -> None:
    """A directory or a link planted beside the logs gets no box, and what is in it is not read.

    Seen to fail without the look at whose directory it is, and without that at whose the box is.
    """
    site.logs.mkdir()
    planted = site.logs / ".unified_logger"
    planted.mkdir(mode=0o700)
    (planted / "1-planted.box").write_bytes(b"ULBOX\r\n\0" + bytes(4_000_000))
    os.chown(planted, 12345, 12345)
    done = site.run(WRITER.format(place="dir", count=10) + "assert flush_logging(20); print(get_stats()['black_box'])")
    assert done.stdout == "0\n"
    assert "not a directory of this user alone" in done.stderr
    assert [path.name for path in planted.iterdir()] == ["1-planted.box"]
    assert site.numbers() == list(range(10))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to act for another user")
@needs_mounts
def test_the_box_is_said_to_be_where_it_is(site: Any) -> None:
    """In a container, where the directory beside the logs is another user's. Seen to fail ("beside the logs, at /dev/shm/…", "cannot make a black box")."""
    (site.logs / ".unified_logger").mkdir(parents=True, mode=0o700)
    os.chown(site.logs / ".unified_logger", 12345, 12345)
    program = site.path / "program.py"
    program.write_text(
        "import sys\nfrom unified_logger import flush_logging, get_logger, get_stats, init_logging\n"
        + WRITER.format(place="auto", count=1)
        + "assert flush_logging(20); print(get_stats()['black_box'])"
    )
    script = 'mount -t tmpfs tmpfs /dev/shm\nKUBERNETES_SERVICE_HOST=127.0.0.1 "$PYTHON" program.py'
    done = subprocess.run(in_namespace(script), cwd=site.path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
    said = [line["message"] for line in site.lines() if line["function"] == "black_box"]
    assert len(said) == 1
    assert said[0].startswith("the black box is in shared memory, at /dev/shm/unified_logger-0/")
    assert "cannot make a black box" not in done.stderr
    assert "not a directory of this user alone; it is in shared memory, at /dev/shm/unified_logger-0/" in done.stderr


def test_a_link_in_place_of_the_directory_for_boxes_is_not_followed(site: Any) -> None:
    """Nothing is made where it leads. Seen to fail without the look at what the directory is."""
    site.logs.mkdir()
    target = site.path / "target"
    target.mkdir(mode=0o700)
    (site.logs / ".unified_logger").symlink_to(target)
    done = site.run(WRITER.format(place="dir", count=10) + "assert flush_logging(20); print(get_stats()['black_box'])")
    assert done.stdout == "0\n"
    assert list(target.iterdir()) == []
    assert site.numbers() == list(range(10))


def test_a_box_behind_a_link_is_not_read(site: Any) -> None:
    """Neither behind one in place of the directory nor behind one in it; where it really lies it is.

    Seen to fail with links followed, those of the directory and those of the box.
    """
    box = site.left_behind()
    target = site.path / "target"
    box.parent.rename(target)
    box.parent.symlink_to(target)
    assert site.recover().stdout == "0 records recovered from 0 black boxes\n"
    box.parent.unlink()
    box.parent.mkdir(mode=0o700)
    box.symlink_to(target / box.name)
    assert site.recover().stdout == "0 records recovered from 0 black boxes\n"
    assert site.numbers() == []
    box.unlink()
    (target / box.name).rename(box)
    assert site.recover().stdout == "10 records recovered from 1 black box\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to act for another user")
def test_a_box_of_another_user_in_ones_own_directory_is_not_read(site: Any) -> None:
    """As a hard link could put it there. Seen to fail without the look at whose the box is."""
    box = site.left_behind()
    os.chown(box, 12345, 12345)
    assert site.recover().stdout == "0 records recovered from 0 black boxes\n"
    assert site.numbers() == []
    assert site.boxes() == [box]


def test_boxes_are_their_owners_alone(site: Any) -> None:
    """Mode 0600 in a directory of mode 0700, whatever the umask. Seen to fail with room that is promised, not reserved."""
    process = site.start(
        "os.umask(0)\n" + WRITER.format(place="dir", count=10) + 'print("ready", flush=True); time.sleep(60)'
    )
    assert process.stdout.readline() == "ready\n"
    (box,) = site.boxes()
    assert box.stat().st_mode & 0o777 == 0o600
    assert box.parent.stat().st_mode & 0o777 == 0o700
    assert box.stat().st_size == 8 << 20
    assert box.stat().st_blocks * 512 >= 8 << 20, "room is reserved, not promised"
    site.kill(process, signal.SIGTERM)
