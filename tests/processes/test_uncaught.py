"""Uncaught exceptions: logged before the process dies, whoever else has a hook there."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

Found = Callable[..., list[dict[str, Any]]]

START = """
import sys, threading
from unified_logger import flush_logging, get_logger, get_stats, init_logging, install_asyncio_handler, shutdown_logging
init_logging(log_dir="logs", console_format="off")
"""


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """`found(name="app.log")`: the records of a program's file that come from our hooks."""

    def found(name: str = "app.log") -> list[dict[str, Any]]:
        lines = (tmp_path / "logs" / name).read_text(encoding="utf-8").splitlines()
        return [record for record in map(json.loads, lines) if record["logger"] == "unified_logger.uncaught"]

    return found


@pytest.mark.parametrize("unified", ["true", "false"])
@pytest.mark.parametrize("end", ["", "shutdown_logging()"])
def test_the_exception_that_ends_the_program_is_logged(run_python: Run, found: Found, unified: str, end: str) -> None:
    """Once, at CRITICAL, naming where it was raised; Python's own traceback and exit code stay. Seen to fail without `uncaught.install`."""
    code = START + f"{end}\ndef fall():\n    raise RuntimeError('the end')\nfall()"
    done = run_python(code, check=False, USE_UNIFIED_LOGGING=unified)
    assert done.returncode == 1
    assert done.stderr.count("RuntimeError: the end") == 1
    assert found() == found("errors.log")
    (record,) = found()
    assert (record["level"], record["message"], record["function"]) == ("CRITICAL", "uncaught exception", "fall")
    assert (record["exception"]["type"], record["exception"]["message"]) == ("RuntimeError", "the end")


def test_it_is_on_disk_before_the_hook_that_was_there_is_called(run_python: Run, found: Found) -> None:
    """A hook that ends the process takes nothing with it, though the disk was slow. Seen to fail without the flush."""
    pytest.importorskip("fcntl", reason="the directory's lock is a POSIX one")
    code = f"""
import fcntl, os, sys
sys.excepthook = lambda *_: os._exit(open("logs/app.log").read().count("the end") and 7)
{START}
lock = open("logs/.unified_logger.lock", "r+")
fcntl.flock(lock, fcntl.LOCK_EX)
threading.Timer(0.3, lock.close).start()
raise RuntimeError("the end")
"""
    assert run_python(code, check=False).returncode == 7
    assert len(found()) == 1


@pytest.mark.parametrize("error", ["KeyboardInterrupt()", "SystemExit(130)"])
def test_leaving_is_no_error(run_python: Run, found: Found, error: str) -> None:
    """Ctrl-C and `sys.exit` end the program as Python does, and nothing is logged."""
    without = run_python(f"raise {error}", check=False)
    done = run_python(START + f"raise {error}", check=False)
    assert done.returncode == without.returncode != 0
    assert ("KeyboardInterrupt" in done.stderr) == ("KeyboardInterrupt" in without.stderr)
    assert found() == []


@pytest.mark.parametrize("unified", ["true", "false"])
def test_an_exception_that_ends_a_thread_is_logged(run_python: Run, found: Found, unified: str) -> None:
    """At ERROR, with the thread's name; a thread that leaves by SystemExit is none. Seen to fail without `uncaught.install`."""
    code = (
        START
        + """
def work():
    raise KeyError("k")
for target, name in ((work, "worker-1"), (sys.exit, "leaving")):
    thread = threading.Thread(target=target, name=name)
    thread.start()
    thread.join()
"""
    )
    done = run_python(code, USE_UNIFIED_LOGGING=unified)
    (record,) = found()
    assert (record["level"], record["thread"], record["function"]) == ("ERROR", "worker-1", "work")
    assert record["message"] == "uncaught exception in thread worker-1"
    assert record["exception"]["type"] == "KeyError"
    assert "Exception in thread worker-1" in done.stderr


def test_a_thread_that_carries_dies_with_its_trace(run_python: Run, found: Found) -> None:
    """Seen to fail without ids: the hook is called once the thread has left all it was in."""
    code = (
        START
        + """
from unified_logger import LoggingContext, carry_into_threads
def work():
    raise KeyError("k")
carry_into_threads()
with LoggingContext(trace_id="t", user="u-1"):
    thread = threading.Thread(target=work)
thread.start()
thread.join()
with LoggingContext(trace_id="t", user="u-1"):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
"""
    )
    run_python(code)
    assert [(record.get("trace_id"), record.get("user")) for record in found()] == [(None, None), ("t", "u-1")]


@pytest.mark.parametrize("unified", ["true", "false"])
def test_an_exception_that_can_be_raised_nowhere_is_logged(run_python: Run, found: Found, unified: str) -> None:
    """Of a destructor: at ERROR, with the text of the object, from 3.14 on in the message. Seen to fail without `uncaught.install`."""
    code = (
        START
        + """
class Thing:
    def __del__(self):
        raise ValueError("v")
thing = Thing()
del thing
"""
    )
    done = run_python(code, USE_UNIFIED_LOGGING=unified)
    (record,) = found()
    assert (record["level"], record["function"], record["exception"]["type"]) == ("ERROR", "__del__", "ValueError")
    assert "Thing.__del__" in record["message" if sys.version_info >= (3, 14) else "object"]
    assert "ValueError: v" in done.stderr


def test_an_object_whose_text_fails_is_no_obstacle(run_python: Run, found: Found) -> None:
    """Its type is named instead. What Python gives is made here: from 3.14 on it makes the text of most objects itself."""
    code = (
        "import sys\nsys.unraisablehook = lambda args: None\n"
        + START
        + """
from types import SimpleNamespace
class Callback:
    def __repr__(self):
        raise OSError
error = ValueError("v")
sys.unraisablehook(SimpleNamespace(exc_type=ValueError, exc_value=error, exc_traceback=None, err_msg=None, object=Callback()))
"""
    )
    run_python(code)
    (record,) = found()
    assert record["object"] == "<Callback, whose repr() raised OSError>"
    assert record["exception"]["type"] == "ValueError"


def test_hooks_that_were_there_are_called(run_python: Run, found: Found) -> None:
    """Each once, with its own arguments, after the record."""
    code = (
        """
import sys, threading
sys.excepthook = lambda kind, error, trace: print("main", kind.__name__, error, trace is not None)
threading.excepthook = lambda args: print("thread", args.exc_type.__name__, args.thread.name)
sys.unraisablehook = lambda args: print("unraisable", args.exc_type.__name__)
"""
        + START
        + """
class Thing:
    def __del__(self):
        1 / 0
def work():
    [][0]
thing = Thing()
del thing
thread = threading.Thread(target=work, name="t")
thread.start()
thread.join()
raise RuntimeError("end")
"""
    )
    done = run_python(code, check=False)
    assert done.stdout.splitlines() == [
        "unraisable ZeroDivisionError",
        "thread IndexError t",
        "main RuntimeError end True",
    ]
    assert [record["exception"]["type"] for record in found()] == ["ZeroDivisionError", "IndexError", "RuntimeError"]


KEEPS = "before = sys.excepthook\nsys.excepthook = lambda *args: (print('theirs'), before(*args))"
FORGETS = "sys.excepthook = lambda *args: print('theirs')"
CALLS_WHO_IS_FIRST = "sys.excepthook = lambda *args: (print('theirs'), sys.excepthook(*args))"


@pytest.mark.parametrize(
    ("before", "between", "tracebacks"),
    [("", KEEPS, 1), ("", FORGETS, 0), (CALLS_WHO_IS_FIRST, "", 1)],
    ids=["keeps ours", "forgets ours", "calls who is first"],
)
def test_others_are_called_once_and_nothing_loops(
    run_python: Run, found: Found, before: str, between: str, tracebacks: int
) -> None:
    """However often logging is started again. Seen to loop without `running` in `_Hook`."""
    again = 'for _ in range(3):\n    init_logging(log_dir="logs", console_format="off")\n'
    done = run_python(f"import sys\n{before}{START}{between}\n{again}raise RuntimeError('end')", check=False)
    assert done.returncode == 1
    assert done.stdout == "theirs\n"
    assert done.stderr.count("RuntimeError: end") == tracebacks
    assert len(found()) == 1


def test_an_option_turns_the_hooks_off(run_python: Run, tmp_path: Path) -> None:
    """From the start: nothing is touched."""
    code = (
        START.replace('"off"', '"off", log_uncaught=False')
        + """
assert sys.excepthook is sys.__excepthook__
assert threading.excepthook is threading.__excepthook__
assert sys.unraisablehook is sys.__unraisablehook__
raise RuntimeError("end")
"""
    )
    assert run_python(code, check=False).stderr.count("RuntimeError: end") == 1
    assert (tmp_path / "logs" / "app.log").read_text() == ""


def test_a_reconfiguration_turns_them_off_and_on(run_python: Run, found: Found) -> None:
    """Off: those from before are back, and ours that others keep only pass on. On: they log again."""
    code = (
        START
        + """
def fall(text):
    try:
        raise RuntimeError(text)
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
ours = sys.excepthook
sys.excepthook = lambda *args: ours(*args)
fall("on")
init_logging(log_dir="logs", console_format="off", log_uncaught=False)
assert threading.excepthook is threading.__excepthook__
assert sys.unraisablehook is sys.__unraisablehook__
fall("off")
init_logging(log_dir="logs", console_format="off")
fall("on again")
"""
    )
    done = run_python(code)
    assert [record["exception"]["message"] for record in found()] == ["on", "on again"]
    assert done.stderr.count("\nRuntimeError: ") == 3


def test_many_starts_are_one_hook(run_python: Run) -> None:
    """Nothing piles up."""
    code = (
        START
        + """
hook = sys.excepthook
for _ in range(50):
    init_logging(log_dir="logs", console_format="off")
assert sys.excepthook is hook
assert hook.previous is sys.__excepthook__
"""
    )
    run_python(code)


def test_children_of_a_fork_have_the_hooks(run_python: Run, found: Found) -> None:
    """A child that dies of an exception logs it."""
    code = (
        START
        + """
import os
child = os.fork()
if not child:
    raise RuntimeError("child")
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
"""
    )
    run_python(code)
    (record,) = found()
    assert record["exception"]["message"] == "child"


ASYNCIO = (
    START
    + """
import asyncio, gc
async def fall():
    raise LookupError("lost")
async def main():
    {before}
    install_asyncio_handler()
    install_asyncio_handler()
    task = asyncio.create_task(fall(), name="falling")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.01)
asyncio.run(main())
"""
)


@pytest.mark.parametrize("unified", ["true", "false"])
def test_a_loops_unhandled_exceptions_are_logged(run_python: Run, tmp_path: Path, unified: str) -> None:
    """Once each in our file, with message, task and exception, and the loop's own words still reach other people's handlers."""
    before = "import logging; logging.getLogger('asyncio').addHandler(logging.StreamHandler())"
    done = run_python(ASYNCIO.format(before=before), USE_UNIFIED_LOGGING=unified)
    records = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    lost, failed = records
    assert (lost["logger"], lost["level"], lost["task"]) == ("unified_logger.uncaught", "ERROR", "falling")
    assert lost["message"] == "Task exception was never retrieved"
    assert (lost["exception"]["type"], lost["function"]) == ("LookupError", "fall")
    assert failed["message"].startswith("Exception in callback")
    assert failed["exception"]["type"] == "ZeroDivisionError"
    assert done.stderr.count("LookupError: lost") == 1


def test_the_loops_handler_that_was_there_is_called(run_python: Run, found: Found) -> None:
    """With the loop and its context."""
    before = "asyncio.get_running_loop().set_exception_handler(lambda loop, context: print(context['message'][:12]))"
    done = run_python(ASYNCIO.format(before=before))
    assert done.stdout.splitlines() == ["Task excepti", "Exception in"]
    assert len(found()) == 2


def test_without_a_loop_the_call_says_so(run_python: Run) -> None:
    """As asyncio does."""
    done = run_python(START + "install_asyncio_handler()", check=False)
    assert "RuntimeError: no running event loop" in done.stderr


def test_importing_installs_nothing(run_python: Run) -> None:
    """Hooks and the file of `faulthandler` come with the start."""
    code = """
import faulthandler, sys, threading
import unified_logger
assert sys.excepthook is sys.__excepthook__
assert threading.excepthook is threading.__excepthook__
assert sys.unraisablehook is sys.__unraisablehook__
assert not faulthandler.is_enabled()
"""
    run_python(code, PYTHONFAULTHANDLER="")


def test_after_another_import_of_the_package_each_exception_is_logged_once(run_python: Run, found: Found) -> None:
    """As tests make them in one process. Seen to fail where a hook of the first import counted as somebody else's."""
    code = (
        START
        + """
for name in [name for name in sys.modules if name.partition(".")[0] == "unified_logger"]:
    del sys.modules[name]
"""
        + START
        + """
def work():
    raise KeyError("k")

thread = threading.Thread(target=work)
thread.start()
thread.join()
init_logging(log_dir="logs", console_format="off", log_uncaught=False)
assert threading.excepthook is threading.__excepthook__
"""
    )
    run_python(code)
    assert [record["message"] for record in found()] == ["uncaught exception in thread Thread-1 (work)"]


CELLS = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("import sys, threading; from unified_logger import *")
shell.run_cell('init_logging(log_dir="logs", console_format="off")')
"""


def test_what_a_cell_of_a_notebook_raises_is_logged(run_python: Run, found: Found, tmp_path: Path) -> None:
    """Once, also after a second start, until the hooks are taken away; what ends a cell otherwise is no failure."""
    pytest.importorskip("IPython")
    done = run_python(
        CELLS
        + """
shell.run_cell('init_logging(log_dir="logs", console_format="off")')
shell.run_cell("def fall():\\n    1 / 0\\n\\nfall()")
shell.run_cell("raise KeyboardInterrupt")
shell.run_cell("1 +")
shell.run_cell('init_logging(log_dir="logs", console_format="off", log_uncaught=False)')
shell.run_cell("1 / 0")
shell.run_cell("shutdown_logging()")
""",
        IPYTHONDIR=str(tmp_path),
    )
    assert done.stdout.count(": division by zero") == 2
    (record,) = found()
    assert (record["level"], record["message"], record["function"]) == ("ERROR", "uncaught exception", "fall")
    assert record["exception"]["type"] == "ZeroDivisionError"


def test_after_another_import_of_the_package_a_cell_is_logged_once(
    run_python: Run, found: Found, tmp_path: Path
) -> None:
    """And not at all once the hooks are taken away. Seen to fail with two records."""
    pytest.importorskip("IPython")
    run_python(
        CELLS
        + """
shell.events.register("post_run_cell", lambda result: print("called", result.success))
shell.run_cell('for name in [name for name in sys.modules if name.partition(".")[0] == "unified_logger"]: del sys.modules[name]')
shell.run_cell("from unified_logger import *")
shell.run_cell('init_logging(log_dir="logs", console_format="off")')
shell.run_cell("1 / 0")
shell.run_cell('init_logging(log_dir="logs", console_format="off", log_uncaught=False)')
shell.run_cell("1 / 0")
shell.run_cell("shutdown_logging()")
""",
        IPYTHONDIR=str(tmp_path),
    )
    assert [record["message"] for record in found()] == ["uncaught exception"]


@pytest.mark.parametrize("answer", ["lambda *_: None", "{}", "{'__name__': 7}", "raising()"])
def test_a_hook_before_may_answer_anything(answer: str, run_python: Run, found: Found) -> None:
    """As lazy proxies and mocks do. Seen to fail with nothing logged, and the hook before not called."""
    code = f"""
import sys
def raising():
    raise OSError
class Proxy:
    def __getattr__(self, name):
        return {answer}
    def __call__(self, *args):
        print("called")
sys.excepthook = Proxy()
{START}
from unified_logger.process import uncaught
sys.excepthook(ValueError, ValueError("first"), None)
assert uncaught._CHAINS[0].running == {{}}
raise ValueError("second")
"""
    done = run_python(code, check=False)
    assert done.stdout.splitlines() == ["called", "called"]
    assert [record["exception"]["message"] for record in found()] == ["first", "second"]


@pytest.mark.parametrize("unified", ["true", "false"])
def test_what_python_says_is_the_message_itself(unified: str, run_python: Run, found: Found) -> None:
    """Whoever groups records by their messages before merging, as Sentry does, sees no common "%s"; a `%` in it stays.

    Seen to fail with "%s" as the message of all.
    """
    code = (
        """
import asyncio, logging, sys, threading
from types import SimpleNamespace
sys.unraisablehook = lambda args: None
class Seen(logging.Handler):
    def emit(self, record):
        if record.name == "unified_logger.uncaught":
            print(record.msg, record.args, record.getMessage())
"""
        + START
        + """
if LISTENED:
    logging.getLogger().addHandler(Seen())
sys.unraisablehook(
    SimpleNamespace(exc_type=ValueError, exc_value=ValueError("v"), exc_traceback=None, err_msg="100%s of %(it)s %", object=None)
)
async def main():
    install_asyncio_handler()
    loop = asyncio.get_running_loop()
    loop.call_exception_handler({"message": "50%d %"})
    loop.call_exception_handler({})
asyncio.run(main())
"""
    )
    messages = ["100%s of %(it)s %", "50%d %", "unhandled exception"]
    done = run_python(code.replace("LISTENED", "True"), USE_UNIFIED_LOGGING=unified)
    assert done.stdout.splitlines() == [f"{message} () {message}" for message in messages]
    assert [record["message"] for record in found()] == messages
    run_python(code.replace("LISTENED", "False"), USE_UNIFIED_LOGGING=unified)
    assert [record["message"] for record in found()] == messages * 2
    assert not [record for record in found() if "$error" in record]
