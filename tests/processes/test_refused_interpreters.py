"""Interpreters in which the library would harm the program refuse to import it, in a sentence, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest
from kinds import Run

# The module has had three names.
SUB = """
import sys, tempfile, threading
try:
    import _interpreters
except ImportError:
    import _xxsubinterpreters as _interpreters
def run_in_one(code, isolated=False):
    try:
        one = _interpreters.create("isolated" if isolated else "legacy")
    except TypeError:
        one = _interpreters.create(isolated=isolated)
    try:
        # Newer versions give what was raised, older ones raise.
        raised = _interpreters.run_string(one, code)
    except Exception as error:
        raised = error
    _interpreters.destroy(one)
    return str(getattr(raised, "formatted", raised))
"""

LOGS = """
from unified_logger import *
init_logging(log_dir=tempfile.mkdtemp(), console_format="off")
for _ in range(10): get_logger("app").info("m")
assert flush_logging(30)
assert get_stats()["written"] == 10
"""


@pytest.mark.parametrize("before", ["", LOGS], ids=["first", "after the main interpreter"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_sub_interpreter_is_refused(run_python: Run, before: str, times: int) -> None:
    """Whoever imports first, the main interpreter logs on and ends. Seen to hang at the end, and in the first call there."""
    code = f"""
for _ in range({times}):
    told = run_in_one("import unified_logger; unified_logger.get_logger('a').info('m')")
    assert "ImportError" in told, told
    assert "unified_logger cannot be imported in a sub-interpreter" in told, told
"""
    done = run_python(SUB + before + code + (before or LOGS).replace("== 10", "in (10, 20)"))
    assert done.stderr == ""


def test_an_isolated_sub_interpreter_is_refused(run_python: Run) -> None:
    """By the interpreter itself or by us."""
    code = """
told = run_in_one("import unified_logger", isolated=True)
assert "ImportError" in told, told
"""
    assert run_python(SUB + code + LOGS).stderr == ""


def test_a_sub_interpreter_of_a_thread_is_refused(run_python: Run) -> None:
    """Servers give each application one, and threads of its own."""
    code = """
told = []
threads = [threading.Thread(target=lambda: told.append(run_in_one("import unified_logger"))) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert all("unified_logger cannot be imported" in one for one in told), told
"""
    assert run_python(SUB + code + LOGS).stderr == ""


@pytest.mark.parametrize("enabled", [False, True])
def test_an_interpreter_without_its_lock_is_refused(run_python: Run, enabled: bool) -> None:
    """Free-threaded builds take their lock for the import, unless they were started to go without it whatever is imported."""
    code = f"""
import sys
sys._is_gil_enabled = lambda: {enabled}
try:
    import unified_logger
except ImportError as error:
    print(error)
"""
    done: Any = run_python(code)
    assert ("without the interpreter lock" in done.stdout) is not enabled
    assert done.stderr == ""
