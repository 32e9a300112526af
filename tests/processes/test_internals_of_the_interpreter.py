"""What is read of an interpreter without its promise is looked at first, and where it cannot be had there is another way."""

from __future__ import annotations

import ctypes
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

from unified_logger import _core


def test_everything_is_as_known() -> None:
    """So that no supported Python takes the slower ways unnoticed.

    Seen to fail with the bit that marks ASCII texts at another place, with integers of one digit read from the word before,
    with the frame's instruction read from the word behind, and with versions of classes that are compared to themselves.
    """
    expected = {"texts", "integers", "frames", "dictionaries", "classes", "tracebacks"}
    assert _core.internals() == dict.fromkeys(expected, True)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="before 3.12 dictionaries are not watched, they carry a tag")
def test_changes_are_seen_when_others_have_taken_all_watchers(run_python: Run, tmp_path: Path) -> None:
    """An interpreter has eight watchers of dictionaries. Levels, handlers, names of threads and `sys.stderr` are asked then.

    Seen to fail with dictionaries that count as unchanged where nobody watches them.
    """
    shown = run_python(
        """
import ctypes, io, logging, sys, threading

add = ctypes.pythonapi.PyDict_AddWatcher
add.argtypes, add.restype = [ctypes.c_void_p], ctypes.c_int
kind = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
callback = kind(lambda *_: 0)
taken = 0
try:
    while add(ctypes.cast(callback, ctypes.c_void_p)) >= 0:
        taken += 1
except RuntimeError:
    print("taken", taken)

from unified_logger import get_logger, init_logging
init_logging(log_dir="logs")
logger, target = get_logger("app"), logging.getLogger("app")
sys.stderr = io.StringIO()
for _ in range(2):
    logger.debug("below its level")
    target.setLevel(logging.DEBUG)
    logger.debug("at its level")
    target.setLevel(logging.INFO)
    threading.current_thread().name = "renamed"
    logger.info("of a thread that was renamed")
    threading.current_thread().name = "MainThread"
print("shown", sys.stderr.getvalue().count("that was renamed"))
sys.stderr = sys.__stderr__
"""
    ).stdout
    assert "taken" in shown
    assert "shown 2" in shown
    records = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    seen = [(record["message"], record["thread"]) for record in records if record["logger"] == "app"]
    assert seen == [("at its level", "MainThread"), ("of a thread that was renamed", "renamed")] * 2


@pytest.mark.skipif(sys.version_info < (3, 13), reason="before 3.13 there is nothing to declare")
def test_the_interpreter_lock_is_declared_as_used() -> None:
    """A free-threaded interpreter then takes its lock when it imports the module: nothing here is guarded by another.

    Seen to fail with the default, which declares the contrary.
    """

    class Slot(ctypes.Structure):
        _fields_ = (("slot", ctypes.c_int), ("value", ctypes.c_void_p))

    class Definition(ctypes.Structure):
        _fields_ = (
            ("base", ctypes.c_byte * (object.__basicsize__ + 3 * ctypes.sizeof(ctypes.c_void_p))),
            ("name", ctypes.c_char_p),
            ("doc", ctypes.c_char_p),
            ("size", ctypes.c_ssize_t),
            ("methods", ctypes.c_void_p),
            ("slots", ctypes.POINTER(Slot)),
        )

    make = ctypes.PyDLL(_core.__file__).PyInit__core
    make.restype = ctypes.POINTER(Definition)
    slots: dict[int, Any] = {}
    index = 0
    while (slot := make().contents.slots[index]).slot:
        slots[slot.slot] = slot.value
        index += 1
    py_mod_gil, py_mod_gil_used = 4, None
    assert slots.get(py_mod_gil, py_mod_gil_used) == py_mod_gil_used


def test_the_context_follows_into_a_thread_where_python_lets_it(run_python: Run, tmp_path: Path) -> None:
    """From 3.14 on a thread may begin with a copy of its starter's context; else it begins with none."""
    flags = run_python(
        """
import sys, threading
from unified_logger import LoggingContext, get_logger, init_logging
init_logging(log_dir="logs")
logger = get_logger("app")

def work():
    logger.info("in the thread")
    with LoggingContext(step=2):
        logger.info("in a scope of the thread")
    logger.info("after it")

with LoggingContext(trace_id="t", span_id="s"):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    logger.info("outside")
print(getattr(sys.flags, "thread_inherit_context", 0))
""",
        PYTHON_THREAD_INHERIT_CONTEXT="1",
    ).stdout
    records = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    thread, scope, after, outside = [record for record in records if record["logger"] == "app"]
    assert (outside["trace_id"], outside["span_id"]) == ("t", "s")
    if flags.strip() == "1":
        assert (thread["trace_id"], thread["span_id"]) == (after["trace_id"], after["span_id"]) == ("t", "s")
        assert scope["trace_id"] == "t"
        assert scope["span_id"] != "s"
    else:
        assert "trace_id" not in thread
        assert "trace_id" not in after
        assert scope["trace_id"] != "t"


def test_warnings_are_logged_where_their_filters_follow_the_context(run_python: Run, tmp_path: Path) -> None:
    """From 3.14 on `warnings.catch_warnings` may be bound to the context."""
    run_python(
        """
import warnings
from unified_logger import init_logging
init_logging(log_dir="logs")
warnings.warn("first", UserWarning)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warnings.warn("caught", UserWarning)
assert [str(warning.message) for warning in caught] == ["caught"]
warnings.warn("last", UserWarning)
""",
        PYTHON_CONTEXT_AWARE_WARNINGS="1",
    )
    records = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert [record["message"] for record in records if record["logger"] == "py.warnings"] == ["first", "last"]
