"""The console: for people on a terminal, for machines elsewhere, harmless for both."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from kinds import Run
from terminals import shown_on_terminal, without_colors

from unified_logger import flush_logging, get_logger

PROGRAM = """
from unified_logger import get_logger, init_logging
init_logging(log_dir="logs"{options})
logger = get_logger("app")
logger.debug("not shown")
logger.info("order received", order_id=7, note="two words")
try:
    1 / 0
except ZeroDivisionError:
    logger.exception("failed")
"""


def test_a_pipe_gets_json(run_python: Run) -> None:
    """The same lines as app.log."""
    done = run_python(PROGRAM.format(options=""))
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["message"] for line in lines] == ["order received", "failed"]
    assert lines[0]["order_id"] == 7


def test_a_terminal_gets_colored_lines(tmp_path: Any) -> None:
    """One line each, with a traceback below its error."""
    shown = shown_on_terminal(PROGRAM.format(options=""), tmp_path)
    first, second, *rest = without_colors(shown).splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} INFO     app order received +order_id=7 note=\"two words\"", first)
    assert second.endswith("ERROR    app failed")
    assert rest[0] == "  │ Traceback (most recent call last):"
    assert rest[-1] == "  │ ZeroDivisionError: division by zero"
    assert "\x1b[1;31m" in shown


def test_the_console_can_be_off(run_python: Run) -> None:
    """Nothing on stderr."""
    assert run_python(PROGRAM.format(options=", console_format='off'")).stderr == ""


def test_the_console_level_narrows(run_python: Run) -> None:
    """Files keep the rest."""
    done = run_python(PROGRAM.format(options=", console_level='ERROR'"))
    assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == ["failed"]


def test_a_replaced_stderr_gets_the_line_on_the_calling_thread(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, records: Callable[..., Any]
) -> None:
    """At once, and the process's own stderr does not get it again; put back, it ends."""
    start(console_format="text")
    logger, stream = get_logger("app"), io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logger.info("here", n=1)
    assert re.search(r"INFO     app here +n=1\n$", stream.getvalue())
    monkeypatch.undo()
    logger.info("not there")
    assert "not there" not in stream.getvalue()
    assert len(records()) == 2


def test_control_characters_are_escaped(start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing from a record makes a line that is not marked, or speaks to the terminal."""
    start(console_format="text")
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    get_logger("a\x1b[2J").info("one\ntwo\x1b[31m\r\x07\x9b", **{"k\n": "v\u202e\u2028"})
    shown = stream.getvalue()
    assert [line[:4] for line in shown.splitlines()[1:]] == ["  │ "]
    assert not set("\x1b\r\x07\x9b\u202e\u2028") & set(shown)
    assert "  │ two\\x1b[31m\\r\\x07\\x9b\n" in shown


def test_a_stream_that_raises_is_not_the_callers_trouble(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, records: Callable[..., Any]
) -> None:
    """The file has the record."""

    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise RuntimeError("broken")

    start()
    monkeypatch.setattr(sys, "stderr", Broken())
    get_logger("app").info("still written")
    assert len(records()) == 1


def test_a_closed_stderr_harms_nothing(run_python: Run, tmp_path: Any) -> None:
    """Neither the call nor the exit."""
    run_python("import os; os.close(2)\n" + PROGRAM.format(options=""))
    lines = (tmp_path / "logs" / "app.log").read_text().splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["order received", "failed"]


def test_a_pipe_that_nobody_reads_never_holds_up_the_files(tmp_path: Any) -> None:
    """Lines for the console are dropped and counted instead."""
    read, write = os.pipe()
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            """
import os
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", console_format="json")
for number in range(20000):
    get_logger("app").info("m" * 100, number=number)
assert flush_logging(30)
stats = get_stats()
assert stats["written"] == 20000, stats
assert stats["console"]["dropped"] > 0, stats
os._exit(0)
""",
        ],
        cwd=tmp_path,
        stderr=write,
        env=os.environ.copy(),
    )
    os.close(write)
    assert process.wait(60) == 0
    os.close(read)
    assert len((tmp_path / "logs" / "app.log").read_text().splitlines()) == 20_000


def test_flush_shows_the_console_too(run_python: Run) -> None:
    """In order with what the program prints itself."""
    done = run_python(
        """
import os
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="text")
get_logger("app").info("first")
flush_logging()
os.write(2, b"second\\n")
"""
    )
    assert [line.split()[-1] for line in done.stderr.splitlines()] == ["first", "second"]
    assert flush_logging(1)
