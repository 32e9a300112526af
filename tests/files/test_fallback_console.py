"""What `USE_UNIFIED_LOGGING=false` does with a console that takes no line: it counts each failure, and reports one in ten seconds."""

from __future__ import annotations

import pytest
from kinds import Run

START = """
import os, sys
from unified_logger import flush_logging, get_logger, get_stats, init_logging

def counts():
    stats = get_stats()
    return tuple(stats[name] for name in ("accepted", "written", "failed", "errors")), stats["console"]

logger = get_logger("app")
"""
FULL = 'sys.stdout = open("/dev/full", "w")'
GONE = """
read, write = os.pipe()
os.close(read)
sys.stdout = open(write, "w")
"""


def test_lines_of_the_console_are_counted(run_python: Run) -> None:
    """As with the engine. Seen to fail with `written: 0`."""
    run_python(
        START
        + """
init_logging(log_dir="logs", use_unified_logging=False, console_level="INFO")
for number in range(3): logger.info("m", number=number)
assert flush_logging()
assert counts() == ((3, 3, 0, 0), {"written": 3, "dropped": 0}), counts()
"""
    )


@pytest.mark.parametrize("stream", [FULL, GONE], ids=["full", "gone"])
@pytest.mark.parametrize("log_dir", ["None", '"logs"'], ids=["alone", "beside files"])
def test_a_console_that_fails_is_told_of_once(run_python: Run, stream: str, log_dir: str) -> None:
    """Without a file the records have failed, and a flush says so. With one they are written.

    Seen to fail with a traceback for each record, and no count.
    """
    done = run_python(
        START
        + f"""
{stream}
init_logging(log_dir={log_dir}, use_unified_logging=False, console="stdout", console_level="INFO")
for number in range(100): logger.info("m", number=number)
written = {100 * (log_dir != "None")}
assert flush_logging() == bool(written)
assert counts() == ((100, written, 100 - written, 100), {{"written": 0, "dropped": 100}}), counts()
os._exit(0)
"""
    )
    assert "Traceback" not in done.stderr
    (told,) = done.stderr.splitlines()
    assert told.startswith("unified_logger: cannot write to the console: ")


def test_a_line_that_cannot_be_made_is_told_of_once(run_python: Run) -> None:
    """With its traceback, by each handler. Seen to fail with one for each record."""
    done = run_python(
        START
        + """
from unified_logger.stdlib import formatters
init_logging(log_dir="logs", use_unified_logging=False, console_level="INFO", console_format="json")
def fail(self, record): raise LookupError("no line")
formatters.JSONFormatter.format = fail
for number in range(5): logger.info("m", number=number)
assert counts() == ((5, 0, 5, 10), {"written": 0, "dropped": 5}), counts()
"""
    )
    assert done.stderr.count("--- Logging error ---") == 2


def test_a_character_that_the_console_lacks_is_shown_as_an_escape(run_python: Run) -> None:
    """Seen to fail with a traceback in place of the line."""
    done = run_python(
        START
        + """
sys.stderr = open(2, "w", encoding="ascii", closefd=False)
init_logging(log_dir="logs", use_unified_logging=False, console_level="INFO", console_format="text")
logger.info("naïve")
"""
    )
    assert "na\\xefve" in done.stderr
