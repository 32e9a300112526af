"""With `black_box="shm"` and no log directory, the next process of the same program writes what a killed one had accepted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kinds import Record

pytestmark = pytest.mark.skipif(
    not Path("/dev/shm").is_dir() or not hasattr(os, "fork"), reason="needs shared memory and signals"
)

START = """
import json, os, signal, sys, time
from unified_logger import *
init_logging(log_dir=None, console="stdout", black_box="shm", overflow_timeout=60, {options})
log = get_logger("app")
"""
# Whoever reads gets the first lines only; the others wait in the process.
KILLED = (
    START
    + """
for number in range(3_000): log.info("m" * 300, number=number, password="hunter2")
print("ready", file=sys.stderr, flush=True)
time.sleep(60)
"""
)
NEXT = (
    START
    + """
deadline = time.monotonic() + 30
while not get_stats()["recovered"] and time.monotonic() < deadline: time.sleep(0.01)
log.info("next", number=-1)
assert flush_logging(30)
"""
)


def box_of(process: int) -> list[Path]:
    """The black box that a process has left in shared memory."""
    return [*Path(f"/dev/shm/unified_logger-{os.geteuid()}").glob(f"*-{process}-*.box")]


def program(directory: Path, code: str, options: str = "", name: str = "service.py") -> list[str]:
    """The command of a program: its name and its directory say which service it is."""
    file = directory / name
    file.write_text(code.format(options=options))
    return [sys.executable, str(file)]


def kill(directory: Path, options: str = "", name: str = "service.py") -> tuple[int, list[int]]:
    """Kills a program whose reader reads little. Returns its number, and the numbers of the lines that were in the pipe."""
    with subprocess.Popen(
        program(directory, KILLED, options, name), cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as killed:
        assert killed.stderr is not None
        assert killed.stdout is not None
        assert killed.stderr.readline() == b"ready\n"
        killed.kill()
        killed.wait(60)
        return killed.pid, [json.loads(line)["number"] for line in killed.stdout.read().splitlines()]


def run(directory: Path, code: str = NEXT, options: str = "", name: str = "service.py") -> list[Record]:
    """Runs a program to its end. Returns the records on its standard output."""
    done = subprocess.run(
        program(directory, code, options, name), cwd=directory, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_next_process_writes_what_a_killed_one_had_accepted(tmp_path: Path) -> None:
    """Marked, redacted, in order; nothing is lost, and only the lines of one write may be there twice. No box is left."""
    process, shown = kill(tmp_path, "redaction=True")
    assert len(box_of(process)) == 1
    recovered = run(tmp_path, options="redaction=True")
    numbers = [record["number"] for record in recovered if record.get("recovered")]
    assert shown == list(range(len(shown)))
    assert numbers == list(range(numbers[0], 3_000))
    assert len(shown) - 4_096 // 300 <= numbers[0] <= len(shown)
    assert "hunter2" not in json.dumps(recovered)
    assert [record["message"] for record in recovered[-2:]] == [
        f"process {recovered[0]['process']} ended without shutting down; {len(numbers)} records recovered",
        "next",
    ]
    assert box_of(process) == []


@pytest.mark.parametrize("differs", ["program", "directory"])
def test_another_service_leaves_it_alone(tmp_path: Path, differs: str) -> None:
    """A program of another name, or in another directory, would have the records among its own."""
    other = tmp_path / "other"
    other.mkdir()
    kill(tmp_path)
    code = START + 'log.info("next", number=-1); time.sleep(0.5); assert flush_logging(30)'
    names = {"name": "worker.py"} if differs == "program" else {}
    assert len(run(other if differs == "directory" else tmp_path, code, **names)) == 1
    assert len(run(tmp_path)) > 1


def test_the_command_writes_them_to_its_own_output(tmp_path: Path) -> None:
    """`unified-logger recover --all`, for a service that does not start again."""
    process, shown = kill(tmp_path)
    command = [sys.executable, "-m", "unified_logger.cli", "recover", "--all"]
    deadline, text = time.monotonic() + 30, ""
    # Other processes that start look into the box too, and lock it meanwhile.
    while box_of(process) and time.monotonic() < deadline:
        text += subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    numbers = {record["number"] for record in lines if record["process"] == process and "number" in record}
    assert numbers | set(shown) == set(range(3_000))


def test_a_worker_that_is_killed_is_completed_by_the_others(tmp_path: Path) -> None:
    """Within seconds, while they run."""
    code = (
        START
        + """
ready, tell = os.pipe()
child = os.fork()
if child == 0:
    for number in range(200): log.info("m", number=number)
    assert flush_logging(30)
    # The rest waits in the queue: its writer has stopped with the process.
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(0)
os.waitpid(child, os.WUNTRACED)
log.info("m", number=-1)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
deadline = time.monotonic() + 30
while get_stats()["queue_depth"] and time.monotonic() < deadline: time.sleep(0.01)
"""
    )
    assert sorted(record["number"] for record in run(tmp_path, code)) == list(range(-1, 200))


def test_an_orderly_end_leaves_no_box(tmp_path: Path) -> None:
    """Nothing to recover, nothing said."""
    [record] = run(tmp_path, START + 'assert get_stats()["black_box"] == 1; log.info("m", number=1)')
    assert record["number"] == 1
    assert box_of(record["process"]) == []


def test_without_being_asked_for_there_is_no_box(tmp_path: Path) -> None:
    """`black_box="auto"` makes none without a directory."""
    code = START.replace('black_box="shm", ', "") + 'assert get_stats()["black_box"] == 0'
    assert run(tmp_path, code) == []


def kill_when_it_says(line: bytes, tmp_path: Path, code: str) -> None:
    """Runs a program whose standard output nobody reads, and kills it at its first line on standard error."""
    with subprocess.Popen(
        program(tmp_path, code), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as killed:
        assert killed.stderr is not None
        assert killed.stderr.readline() == line
        killed.kill()
        killed.wait(60)


def test_what_an_object_in_the_place_of_the_stream_has_shown_is_not_shown_again(tmp_path: Path) -> None:
    """Such records wait in the box only for those before them. Seen to fail with all of them written twice."""
    code = (
        START
        + """
import io
for number in range(1_000): log.info("m" * 300, number=number)
sys.stdout = shown = io.StringIO()
for number in range(1_000, 1_050): log.info("m", number=number)
sys.stdout = sys.__stdout__
log.info("m", number=1_050)
print(shown.getvalue().count("number"), file=sys.stderr, flush=True)
time.sleep(60)
"""
    )
    kill_when_it_says(b"50\n", tmp_path, code)
    numbers = [record["number"] for record in run(tmp_path) if record.get("recovered")]
    assert numbers == [*range(numbers[0], 1_000), 1_050]


def test_a_recovery_that_is_given_up_ends_the_line_that_it_has_begun(tmp_path: Path) -> None:
    """Nobody reads for a while. The record after it stands in a line of its own. Seen to fail with both in one line."""
    # Three pieces each, of the sixteen that are in a pipe.
    logged = 'for number in range(100): log.info("m" * 8_600, number=number)\n'
    kill_code = START + logged + 'print("ready", file=sys.stderr, flush=True)\ntime.sleep(60)\n'
    kill_when_it_says(b"ready\n", tmp_path, kill_code)
    code = START + 'time.sleep(1.5); log.info("next", number=-1); time.sleep(1); assert flush_logging(30)'
    with subprocess.Popen(
        program(tmp_path, code), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as late:
        time.sleep(3)
        shown, said = late.communicate(timeout=60)
    assert late.returncode == 0, said
    begun, after = shown[: shown.index(b'"next"')].rsplit(b"\n", 1)
    assert begun.endswith(b"m" * 1_000)
    assert after.startswith(b'{"timestamp"')
    assert json.loads(shown.splitlines()[begun.count(b"\n") + 1])["number"] == -1
