"""Code that Python runs where it likes may log: destructors, callbacks, hooks, exit handlers, tracers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kinds import Exact, Lines, Run

GARBAGE = """
gc.set_threshold(1, 1, 1)
class Thing:
    def __init__(self):
        self.me = self
        weakref.finalize(self, emit, where="finalize")
    def __del__(self):
        emit(where="del", value=[Text()])
class Text:
    def __repr__(self):
        return "text"
"""


@pytest.mark.parametrize(
    "call",
    [
        "emit(value={'a': [number]})",
        "emit(exc_info=ValueError(number))",
        "logging.getLogger('theirs').info('m', extra={'n': next(numbers)})",
        "emit(extra={'a': number})",
    ],
    ids=["values", "exception", "stdlib", "extra"],
)
def test_destructors_and_finalizers_in_the_middle_of_calls(exact: Exact, call: str) -> None:
    """Of garbage in cycles, collected as often as possible."""
    found = exact(GARBAGE + f"for number in range(1_000):\n    Thing()\n    {call}\ngc.collect()")
    for where in ("del", "finalize"):
        assert sum(record.get("where") == where for record in found) == 1_000


def test_destructors_while_the_queue_is_full(exact: Exact) -> None:
    """Each call waits, those of destructors too."""
    exact(
        GARBAGE
        + "init_logging(**OPTIONS, queue_size=8)\nfor number in range(3_000):\n    Thing()\n    emit(value=[number])\ngc.collect()"
    )


def test_destructors_in_the_middle_of_starts_and_flushes(exact: Exact) -> None:
    """From several threads."""
    code = """
def work():
    for number in range(200):
        Thing()
        emit(value={"a": number})
        flush_logging(60)
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
for _ in range(30):
    Thing()
    init_logging(**OPTIONS)
for thread in threads: thread.join()
gc.collect()
"""
    exact(GARBAGE + code)


def test_a_destructor_that_starts_or_stops(exact: Exact) -> None:
    """In the middle of a call, a start or a stop."""
    code = """
gc.set_threshold(50, 1, 1)
acts = itertools.cycle([lambda: init_logging(**OPTIONS), lambda: shutdown_logging(60), lambda: flush_logging(60)])
class Thing:
    def __init__(self): self.me = self
    def __del__(self):
        emit(where="del")
        next(acts)()
        emit(where="del")
for number in range(100):
    Thing()
    emit(value={"a": [number]})
    init_logging(**OPTIONS)
    shutdown_logging(60)
init_logging(**OPTIONS)
gc.collect()
"""
    exact(code)


@pytest.mark.parametrize("act", ["pass", "init_logging(**OPTIONS)", "flush_logging(60)", "shutdown_logging(60)"])
@pytest.mark.parametrize("place", ["value=Talking()", "value={'a': [Talking()]}", "exc_info=ValueError(Talking())"])
def test_the_text_of_a_value_logs(exact: Exact, place: str, act: str) -> None:
    """And starts, flushes or stops, in the middle of the call."""
    code = f"""
class Talking:
    def __repr__(self):
        emit(where="repr")
        {act}
        emit(where="repr")
        return "talking"
    __str__ = __repr__
for _ in range(30):
    emit({place})
init_logging(**OPTIONS)
"""
    found = exact(code)
    assert sum(record.get("where") == "repr" for record in found) >= 60


def test_the_text_of_a_value_logs_a_value_whose_text_logs(exact: Exact) -> None:
    """Fifty deep, with the queue full."""
    code = """
init_logging(**OPTIONS, queue_size=4)
class Talking:
    def __init__(self, depth): self.depth = depth
    def __repr__(self):
        if self.depth:
            emit(value=Talking(self.depth - 1))
        return f"depth {self.depth}"
for _ in range(50):
    emit(value=Talking(50))
"""
    found = exact(code)
    assert {record["value"] for record in found} == {f"depth {depth}" for depth in range(51)}


def test_the_text_of_a_value_logs_and_fails(exact: Exact) -> None:
    """Both records are written."""
    code = """
class Failing:
    def __repr__(self):
        emit(where="repr")
        raise ValueError("v")
for _ in range(100):
    emit(value=Failing())
    emit(value=[Failing()])
"""
    found = exact(code)
    assert sum(record.get("where") == "repr" for record in found) == 200
    failed = [record["value"] for record in found if "value" in record and not isinstance(record["value"], list)]
    assert [value["$error"] for value in failed] == ["ValueError: v"] * 100


def test_the_text_of_a_message_and_its_arguments_log(exact: Exact) -> None:
    """In our calls and in those of `logging`."""
    code = """
class Talking:
    def __str__(self):
        emit(where="str")
        return "talking"
for _ in range(100):
    logger.info(Talking(), n=next(numbers))
    logger.info("%s", Talking(), n=next(numbers))
    logging.getLogger("theirs").info("%s", Talking(), extra={"n": next(numbers)})
"""
    found = exact(code)
    assert sum(record["message"] == "talking" for record in found) == 300


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit", "GeneratorExit"])
def test_what_is_for_the_program_reaches_it_after_the_record(exact: Exact, error: str) -> None:
    """Raised in the middle of a call, by whatever part of it. Seen to fail without `interrupt::raise`."""
    code = f"""
class Leaving:
    def __str__(self): raise {error}("now")
    __repr__ = __str__
calls = [
    lambda: emit(value=Leaving()),
    lambda: emit(value=[1, {{"a": Leaving()}}]),
    lambda: logger.info(Leaving(), n=next(numbers)),
    lambda: logger.info("%s", Leaving(), n=next(numbers)),
    lambda: emit(exc_info=ValueError(Leaving())),
    lambda: logger.ai("m", n=next(numbers), response=Leaving()),
    lambda: logging.getLogger("theirs").info("m", extra={{"n": next(numbers), "value": Leaving()}}),
]
reached = 0
for call in calls:
    try:
        call()
    except {error}:
        reached += 1
    emit()
assert reached == len(calls), reached
"""
    exact(code)


def test_hooks_that_log(exact: Exact) -> None:
    """Those of uncaught exceptions in threads and of what can be raised nowhere; ours log too."""
    code = """
threading.excepthook = lambda args, before=threading.excepthook: (emit(where="thread"), before(args))
sys.unraisablehook = lambda args, before=sys.unraisablehook: (emit(where="unraisable"), before(args))
sys.stderr = open(os.devnull, "w")
class Thing:
    def __del__(self): 1 / 0
for _ in range(50):
    Thing()
    emit(value=[Thing()])
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
"""
    found = exact(code, others=150)
    assert sum(record.get("where") == "thread" for record in found) == 50
    assert sum(record.get("where") == "unraisable" for record in found) == 100


def test_an_excepthook_that_logs(run_python: Run, lines: Lines, tmp_path: Path) -> None:
    """Before and after our own record."""
    code = """
import sys
from unified_logger import *
def hook(*args):
    get_logger("app").info("m", n=1)
    ours(*args)
    get_logger("app").info("m", n=2)
init_logging(log_dir="logs", console_format="off")
ours, sys.excepthook = sys.excepthook, hook
get_logger("app").info("m", n=0)
raise RuntimeError("end")
"""
    assert run_python(code, check=False).returncode == 1
    assert [record["n"] for record in lines()] == [0, 1, 2]
    own = [json.loads(line) for line in (tmp_path / "logs" / "errors.log").read_text().splitlines()]
    assert [record["exception"]["message"] for record in own] == ["end"]


def test_exit_handlers_before_and_after_ours(run_python: Run, lines: Lines) -> None:
    """Those registered before ours run after it: their calls write by themselves."""
    code = """
import atexit, threading
def late(n, times=100):
    for number in range(times):
        get_logger("app").info("m", n=n + number)
atexit.register(lambda: late(0))
import unified_logger
from unified_logger import *
atexit.register(lambda: late(100))
init_logging(log_dir="logs", console_format="off")
atexit.register(lambda: late(200))
atexit.register(shutdown_logging)
atexit.register(lambda: late(300))
threading._register_atexit(lambda: late(400))
class Global:
    # The module's own names may be gone by then.
    def __del__(self, info=get_logger("app").info): info("m", n=500)
keep = Global()
"""
    done = run_python(code)
    assert done.stderr == ""
    assert sorted(record["n"] for record in lines()) == list(range(501))


def test_callbacks_of_weak_references(exact: Exact) -> None:
    """At the end of a call's own values, and in the middle of calls."""
    code = """
class Thing: pass
references = set()
class Dropping:
    def __repr__(self):
        thing = Thing()
        references.add(weakref.ref(thing, lambda _: emit(where="weakref")))
        return "dropped"
for _ in range(500):
    emit(value=Dropping())
"""
    found = exact(code)
    assert sum(record.get("where") == "weakref" for record in found) == 500


@pytest.mark.parametrize("function", ["settrace", "setprofile"])
def test_tracers_that_log(exact: Exact, function: str) -> None:
    """In every thread, of every call."""
    code = f"""
class Text:
    def __repr__(self): return "text"
def trace(frame, event, arg):
    emit(where="trace")
    return trace
def work():
    for number in range(100):
        emit(value=Text())
        logging.getLogger("theirs").info("m", extra={{"n": next(numbers)}})
threading.{function}(trace)
sys.{function}(trace)
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
work()
for thread in threads: thread.join()
sys.{function}(None)
threading.{function}(None)
"""
    found = exact(code)
    assert sum(record.get("where") == "trace" for record in found) > 600
