"""With `log_dir=None` and `console="stdout"` all records are lines of standard output, and no file is made."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kinds import Record, Run

from unified_logger import flush_logging, get_logger, get_stats, init_logging

posix = pytest.mark.skipif(os.name != "posix", reason="needs descriptors of POSIX")

START = """
import os, sys, logging
from unified_logger import *
init_logging(log_dir=None, console="stdout")
log = get_logger("shop")
"""


def read(text: str) -> list[Record]:
    """The records of some lines, all of which are whole."""
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("flags", [[], ["-u"]], ids=["buffered", "-u"])
def test_records_are_lines_of_standard_output(tmp_path: Path, flags: list[str]) -> None:
    """In order, each once, also at ERROR and of an AI logger; standard error stays empty and the directory too."""
    code = (
        START
        + """
for number in range(1_000): log.info("order", number=number)
log.error("failed", number=1_000)
get_logger("shop.llm").info("answer", number=1_001)
logging.getLogger("plain").warning("stdlib", extra={"number": 1_002})
"""
    )
    done = subprocess.run(
        [sys.executable, *flags, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert [record["number"] for record in read(done.stdout)] == list(range(1_003))
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["json", "logfmt", "text"])
def test_formats_and_redaction_hold(run_python: Run, form: str) -> None:
    """As in a file: a secret is replaced in each format, and the replacement is counted."""
    done = run_python(
        f"""
from unified_logger import *
init_logging(log_dir=None, console="stdout", console_format="{form}", redaction=True)
get_logger("shop").info("signed in", password="hunter2-secret", user="ada")
assert flush_logging(30)
assert get_stats()["redacted"] == 1
"""
    )
    [line] = done.stdout.splitlines()
    assert "hunter2" not in line
    assert "ada" in line
    assert line.startswith("{") is (form == "json")


def test_counts_are_exact(run_python: Run) -> None:
    """Each record is accepted, written, and a line of the console."""
    done = run_python(
        START
        + """
for number in range(5_000): log.info("order", number=number)
assert flush_logging(30)
stats = get_stats()
counts = {name: stats[name] for name in ("accepted", "written", "dropped", "failed", "errors", "notices", "black_box")}
print(counts | stats["console"], file=sys.stderr)
"""
    )
    wanted = {"accepted": 5_000, "written": 5_000, "dropped": 0, "failed": 0, "errors": 0, "notices": 0, "black_box": 0}
    assert done.stderr == f"{wanted}\n"
    assert len(done.stdout.splitlines()) == 5_000


def test_what_the_program_prints_stands_between_whole_lines(run_python: Run) -> None:
    """Printed lines and records are all there, and none is torn."""
    done = run_python(
        START
        + """
for number in range(3_000):
    log.info("m" * 300, number=number)
    # One write, also with PYTHONUNBUFFERED: `print` makes another for the end of the line then.
    sys.stdout.write(f"printed {number}\\n")
    sys.stdout.flush()
"""
    )
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("printed")] == [f"printed {number}" for number in range(3_000)]
    assert [json.loads(line)["number"] for line in lines if not line.startswith("printed")] == list(range(3_000))


def test_a_line_longer_than_a_pipe_is_whole(run_python: Run) -> None:
    """A record of 200 kB, between two short ones."""
    done = run_python(START + 'log.info("one"); log.info("m" * 200_000); log.info("three")')
    assert [len(record["message"]) for record in read(done.stdout)] == [3, 200_000, 5]


def test_a_replaced_stream_of_the_program_gets_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, on the calling thread, as `sys.stderr` does with the usual console; with each change of it."""
    init_logging(log_dir=None, console="stdout", console_format="json")
    before = get_stats()["console"]["written"]
    one, other = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", one)
    get_logger("app").info("first")
    with contextlib.redirect_stdout(other):
        get_logger("app").info("second")
    get_logger("app").info("third")
    assert [record["message"] for record in read(one.getvalue())] == ["first", "third"]
    assert [record["message"] for record in read(other.getvalue())] == ["second"]
    assert flush_logging(30)
    assert get_stats()["console"]["written"] == before + 3


def test_capture_of_pytest_gets_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """A test of an application sees what it logged, on the stream that it configured."""
    init_logging(log_dir=None, console="stdout", console_format="json")
    get_logger("app").warning("low stock", sku="P-7")
    shown = capsys.readouterr()
    assert [record["sku"] for record in read(shown.out)] == ["P-7"]
    assert shown.err == ""


def test_the_console_of_files_can_be_standard_output_too(run_python: Run, tmp_path: Path) -> None:
    """Files as always, and the console on the other stream."""
    done = run_python(
        """
from unified_logger import *
init_logging(log_dir="logs", console="stdout")
get_logger("shop").info("order")
"""
    )
    assert [record["message"] for record in read(done.stdout)] == ["order"]
    assert done.stderr == ""
    assert [record["message"] for record in read((tmp_path / "logs" / "app.log").read_text())] == ["order"]


def test_standard_error_alone_is_possible(run_python: Run, tmp_path: Path) -> None:
    """Without `console`, the records go where the console has always been."""
    done = run_python(
        """
from unified_logger import *
init_logging(log_dir=None)
get_logger("shop").info("order")
"""
    )
    assert done.stdout == ""
    assert [record["message"] for record in read(done.stderr)] == ["order"]
    assert not (tmp_path / "logs").exists()


def test_both_streams_share_the_records(run_python: Run) -> None:
    """A further output on the other stream takes what it selects, and neither loses a line."""
    done = run_python(
        """
from unified_logger import *
init_logging(
    log_dir=None, console="stdout",
    outputs={"console": {"max_level": "WARNING"}, "bad": {"stream": "stderr", "level": "ERROR"}},
)
for number in range(2_000):
    get_logger("shop").log(40 if number % 10 == 0 else 20, "order", number=number)
"""
    )
    assert [record["number"] for record in read(done.stderr)] == list(range(0, 2_000, 10))
    assert [record["number"] for record in read(done.stdout)] == [number for number in range(2_000) if number % 10]


def test_the_fallback_writes_the_same_streams(run_python: Run, tmp_path: Path) -> None:
    """With `USE_UNIFIED_LOGGING=false` and no files."""
    done = run_python(START + 'log.info("order", n=1); assert flush_logging(30)', USE_UNIFIED_LOGGING="false")
    assert [(record["message"], record["n"]) for record in read(done.stdout)] == [("order", 1)]
    assert done.stderr == ""
    assert not (tmp_path / "logs").exists()


def test_early_records_are_delivered(run_python: Run) -> None:
    """What was logged before the start comes first."""
    done = run_python('from unified_logger import *\nget_logger("a").info("early")\n' + START + 'log.info("late")')
    assert [record["message"] for record in read(done.stdout)] == ["early", "late"]


@posix
def test_output_that_leads_to_a_file_has_all_lines(tmp_path: Path) -> None:
    """A shell's `> out.log`."""
    with (tmp_path / "out.log").open("wb") as out:
        subprocess.run(
            [sys.executable, "-c", START + 'for n in range(20_000): log.info("m", number=n)'],
            stdout=out,
            timeout=60,
            check=True,
        )
    assert [record["number"] for record in read((tmp_path / "out.log").read_text())] == list(range(20_000))


@posix
def test_output_that_is_a_socket_has_all_lines() -> None:
    """As under systemd, whose journal reads one."""
    import socket

    ours, programs = socket.socketpair()
    with ours, programs:
        program = subprocess.Popen(
            [sys.executable, "-c", START + 'for n in range(20_000): log.info("m", number=n)'], stdout=programs
        )
        programs.close()
        with ours.makefile("r", encoding="utf-8") as lines:
            text = lines.read()
        assert program.wait(60) == 0
    assert [record["number"] for record in read(text)] == list(range(20_000))


@posix
def test_a_terminal_gets_text(tmp_path: Path) -> None:
    """`console_format="auto"` asks standard output, not standard error."""
    import pty

    reading, writing = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-c", START + 'log.info("order", n=1)'],
        stdout=writing,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert program.wait(60) == 0
    text = os.read(reading, 4096).decode()
    os.close(writing)
    os.close(reading)
    assert text.split()[1:] == ["INFO", "shop", "order", "n=1"]


@posix
def test_a_record_of_another_process_on_the_same_stream_is_written_once(run_python: Run) -> None:
    """As with processes that share a directory: what the sender has written is not written by the receiver."""
    done = run_python(
        """
import logging, logging.handlers, multiprocessing, sys
from unified_logger import *

def work(queue):
    init_logging(log_dir=None, console="stdout")
    logging.getLogger().addHandler(logging.handlers.QueueHandler(queue))
    logging.getLogger("worker").warning("order")
    flush_logging(30)

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    init_logging(log_dir=None, console="stdout")
    process = context.Process(target=work, args=(queue,))
    process.start()
    record = queue.get(timeout=60)
    process.join(60)
    logging.getLogger(record.name).handle(record)
    assert flush_logging(30)
"""
    )
    assert [record["message"] for record in read(done.stdout)] == ["order"]


def records_of(done: subprocess.CompletedProcess[Any]) -> list[int]:
    """The numbers that a program logged."""
    return [record["number"] for record in read(done.stdout)]


@posix
def test_a_forked_child_goes_on(run_python: Run) -> None:
    """Parent and child write each its own records, all of them once."""
    done = run_python(
        START
        + """
for number in range(1_000): log.info("m", number=number)
child = os.fork()
base = 2_000 if child == 0 else 1_000
for number in range(base, base + 1_000): log.info("m", number=number)
if child == 0:
    assert flush_logging(30)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    )
    assert sorted(records_of(done)) == list(range(3_000))


@posix
def test_many_processes_share_a_pipe(run_python: Run) -> None:
    """As servers that fork their workers do: lines of up to 4 KiB are whole, though the pipe is full all the time."""
    done = run_python(
        START
        + """
import random
log.info("master", number=-1)
children = []
for worker in range(6):
    child = os.fork()
    if child == 0:
        for number in range(2_000): log.info("m" * random.randrange(3_000), number=worker * 10_000 + number)
        assert flush_logging(60)
        os._exit(0)
    children.append(child)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
""",
        timeout=120,
    )
    assert sorted(records_of(done)) == sorted([-1, *(10_000 * worker + n for worker in range(6) for n in range(2_000))])
