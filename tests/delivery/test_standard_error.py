"""Console lines and what the library has to say go to the standard error, never to what else has number 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kinds import Run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="descriptors are those of POSIX")

LOG = """
import os, socket, sys, shutil
from unified_logger import flush_logging, get_logger, get_stats, init_logging

def log(**options):
    init_logging(log_dir="logs", **options)
    for number in range(3):
        get_logger("app").info("order", number=number)
        assert flush_logging(30)
"""
OPEN = "table = open('table', 'w+b', buffering=0); assert table.fileno() == 2\n"


def told(tmp_path: Path) -> list[str]:
    """What the log says of a console that is none."""
    lines = (tmp_path / "logs" / "app.log").read_text().splitlines()
    messages = [json.loads(line)["message"] for line in lines]
    return [message for message in messages if "there is no standard error" in message]


@pytest.mark.parametrize("console_format", ["json", "text"])
def test_a_file_that_has_number_2_gets_no_console_line(run_python: Run, tmp_path: Path, console_format: str) -> None:
    """Its lines are counted as dropped, and the log says so once. Seen to fail without the look at what number 2 is."""
    done = run_python(
        LOG
        + f"os.close(2)\n{OPEN}table.write(b'PAGE')\nlog(console_format={console_format!r})\n"
        + "print(get_stats()['console'])"
    )
    assert (tmp_path / "table").read_bytes() == b"PAGE"
    assert done.stdout.strip() == "{'written': 0, 'dropped': 4}"
    assert len(told(tmp_path)) == 1


def test_a_file_opened_before_the_import_is_no_standard_error(run_python: Run, tmp_path: Path) -> None:
    """What children would not have is not what they are told by. Seen to fail with whatever there is at the import taken for it."""
    run_python("import os\nos.close(2)\n" + OPEN + LOG + "log(console_format='json')\n")
    assert (tmp_path / "table").read_bytes() == b""


@pytest.mark.parametrize("when", ["before the import", "after it"])
def test_a_process_without_standard_error_shows_nothing(tmp_path: Path, when: str) -> None:
    """Started with `2>&-`, as some supervisors do. The first files of the program get the number."""
    first, then = (OPEN, LOG) if when == "before the import" else (LOG, OPEN)
    (tmp_path / "program.py").write_text(first + then + "log(console_format='json')\n")
    subprocess.run(
        ["sh", "-c", 'exec "$0" program.py 2>&-', sys.executable],
        cwd=tmp_path,
        env=os.environ.copy(),
        timeout=60,
        check=True,
    )
    assert (tmp_path / "table").read_bytes() == b""


def test_a_socket_that_has_number_2_gets_nothing(run_python: Run) -> None:
    """The peer reads only what it was sent, also where children share the socket."""
    run_python(
        LOG
        + """
os.close(2)
one, other = socket.socketpair()
assert 2 in (one.fileno(), other.fileno())
for inheritable in (False, True):
    os.set_inheritable(2, inheritable)
    log(console_format="json", queue_size=100 + inheritable)
    for end in (one, other):
        end.setblocking(False)
        try:
            raise AssertionError(end.recv(100))
        except BlockingIOError:
            pass
"""
    )


def test_what_the_library_has_to_say_is_not_written_into_a_file_of_the_program(run_python: Run, tmp_path: Path) -> None:
    """Trouble with the log files, without a console. Seen to fail without the look at what number 2 is."""
    done = run_python(
        LOG
        + f"""
log(console_format="off")
os.close(2)
{OPEN}
shutil.rmtree("logs")
open("logs", "w").close()
get_logger("app").error("order")
assert not flush_logging(0.3)
os.unlink("logs")
assert flush_logging(30)
print(get_stats()["errors"] > 0)
"""
    )
    assert done.stdout.strip() == "True"
    assert (tmp_path / "table").read_bytes() == b""


def test_records_that_found_no_start_are_not_written_into_a_file_of_the_program(
    run_python: Run, tmp_path: Path
) -> None:
    """At the exit they would go to the standard error."""
    run_python(LOG + f"get_logger('app').error('never started')\nos.close(2)\n{OPEN}")
    assert (tmp_path / "table").read_bytes() == b""


def test_a_daemon_by_hand_keeps_its_files(run_python: Run, tmp_path: Path) -> None:
    """It forks twice and closes the standard streams; the third file that it opens has number 2."""
    run_python(
        LOG
        + """
if os.fork():
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
os.setsid()
if os.fork():
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
for number in range(3):
    os.close(number)
files = [open(name, "wb", buffering=0) for name in ("zero", "one", "table")]
assert files[2].fileno() == 2
log(console_format="json")
os._exit(0)
"""
    )
    assert [(tmp_path / name).read_bytes() for name in ("zero", "one", "table")] == [b""] * 3
    assert (tmp_path / "logs" / "app.log").read_text().count('"order"') == 3


@pytest.mark.parametrize("when", ["before the start", "after it"])
def test_a_standard_error_that_is_redirected_is_followed(run_python: Run, tmp_path: Path, when: str) -> None:
    """By `dup2`, as daemons, test runners and gunicorn do it. Seen to fail with only the first one accepted."""
    redirect = "error = open('error.txt', 'ab')\nos.dup2(error.fileno(), 2)\n"
    run_python(LOG + (redirect if when == "before the start" else "log()\n" + redirect) + "log()\n")
    lines = [json.loads(line) for line in (tmp_path / "error.txt").read_text().splitlines()]
    assert [line["number"] for line in lines] == [0, 1, 2]


SHARED = """
import os, sys
from unified_logger import get_logger, init_logging
init_logging(log_dir="logs", console_format={console_format!r})
for worker in range(4):
    if os.fork() == 0:
        logger = get_logger("app")
        for number in range(2000):
            logger.info("select", worker=worker, number=number, text="y" * 50)
        sys.exit()
for _ in range(4):
    os.wait()
"""


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_lines_on_a_shared_standard_error_are_whole(tmp_path: Path, kind: str) -> None:
    """Four workers, and a collector that is slower than they are. Seen to fail (hundreds torn) with a batch in one write."""
    import socket

    if kind == "pipe":
        ours, theirs = os.pipe()
    else:
        one, other = socket.socketpair()
        ours, theirs = one.detach(), other.detach()
    process = subprocess.Popen(
        [sys.executable, "-c", SHARED.format(console_format="json")], cwd=tmp_path, env=os.environ.copy(), stderr=theirs
    )
    os.close(theirs)
    read = b""
    # A buffer that is full again at once lets every writer wait.
    while part := os.read(ours, 3_000):
        read += part
    os.close(ours)
    assert process.wait(60) == 0
    lines = [json.loads(line) for line in read.splitlines()]
    assert len(lines) > 100
    for worker in range(4):
        found = [line["number"] for line in lines if line.get("worker") == worker]
        assert found == sorted(set(found))
