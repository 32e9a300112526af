"""An exception that nobody caught is shown once, where the console shows people its record."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kinds import Run
from terminals import shown_on_terminal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="terminals are those of POSIX")

CODE = """
import threading
from unified_logger import init_logging
init_logging(log_dir="logs"{options})
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise RuntimeError("the end")
"""


def counts(shown: str) -> list[int]:
    """How often each of both exceptions is shown."""
    return [shown.count("division by zero"), shown.count("the end") - shown.count('raise RuntimeError("the end")')]


def test_on_a_terminal(tmp_path: Path) -> None:
    """The console's record has the traceback. Seen to fail with Python's own beside it."""
    shown = shown_on_terminal(CODE.format(options=""), tmp_path, check=False, NO_COLOR="1")
    assert counts(shown) == [1, 1]
    assert "uncaught exception" in shown
    assert "  │ RuntimeError: the end" in shown


def test_as_text_in_a_pipe(run_python: Run) -> None:
    """The hook waits until the console has shown it."""
    done = run_python(CODE.format(options=", console_format='text'"), check=False)
    assert (done.returncode, counts(done.stderr)) == (1, [1, 1])


@pytest.mark.parametrize(
    "options",
    [
        ", console_format='off'",
        ", console_level=60",
        ", console_format='{message}{exception:off}'",
        ", console_format='text', outputs={'console': {'loggers': ['other']}}",
        ", console_format='text', log_uncaught=False",
    ],
)
def test_what_the_console_does_not_show_is_printed_by_python(run_python: Run, options: str) -> None:
    """As without this library."""
    done = run_python(CODE.format(options=options), check=False)
    assert (done.returncode, counts(done.stderr)) == (1, [1, 1])
    assert "\nRuntimeError: the end\n" in done.stderr
