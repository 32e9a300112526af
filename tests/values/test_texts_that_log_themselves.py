"""Code that makes a text of a value may log that value, and fail: no call leads to two more, so their number grows as the depth does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Records, Run

from unified_logger import UnifiedLogger

# Prints how often the code of the value was called, by limit of recursion.
PROGRAM = """
import logging, sys
import unified_logger
from unified_logger import get_logger, init_logging
how, limit = sys.argv[1], int(sys.argv[2])
OPTIONS = {
    "ours": {},
    "theirs": {},
    "native": {"native_stdlib": True},
    "ours, plain": {"use_unified_logging": False},
    "theirs, plain": {"use_unified_logging": False},
    "ours, listened": {},
    "ours, tapped": {},
    "theirs, tapped": {},
    "derived": {},
    "derived, plain": {"use_unified_logging": False},
}
console = "text" if "plain" in how else "off"
sys.stderr = open("console", "w")
init_logging(log_dir="logs", console_format=console, log_level="DEBUG", queue_size=100_000, **OPTIONS[how])
log = get_logger("a") if how.startswith("ours") else logging.getLogger("a")
logging.getLogger("a").setLevel("DEBUG")
if how == "ours, listened":
    class Listener(logging.Handler):
        def handle(self, record):
            return True
    logging.getLogger().addHandler(Listener())
if how.startswith("derived"):
    class Derived(logging.LogRecord):
        def getMessage(self):
            return str(self.msg) % self.args if self.args else str(self.msg)
    logging.setLogRecordFactory(Derived)
if "tapped" in how:
    from unified_logger.testing import capture_logs
    tapped = capture_logs("DEBUG")
    tapped.__enter__()
calls = 0
def count():
    global calls
    calls += 1
    if calls > 20_000:
        print("too many")
        sys.stdout.flush()
        import os
        os._exit(0)
CODE
before = sys.getrecursionlimit()
sys.setrecursionlimit(limit)
try:
    start()
finally:
    sys.setrecursionlimit(before)
print(calls)
"""

VALUES = {
    "repr": """
class Order:
    def __repr__(self):
        count()
        try:
            return f"Order({self.number})"
        except AttributeError:
            log.exception("no text of %r", self)
            raise
def start():
    log.error("order %r", Order())
""",
    "str": """
class Order:
    def __str__(self):
        count()
        try:
            return f"Order({self.number})"
        except AttributeError:
            log.error("no text of %s", self)
            raise
def start():
    log.error("order %s", Order())
""",
    "both": """
class Order:
    def __str__(self):
        count()
        log.error("no text of %r", self)
        raise ValueError(self)
    __repr__ = __str__
def start():
    log.error("order %s", Order())
""",
    "format": """
class Order:
    def __format__(self, how):
        count()
        log.error(f"{self:>5}" if how else "no text of %r", self)
        raise ValueError("no")
    def __repr__(self):
        count()
        return f"{self:>5}"
def start():
    log.error("order %r", Order())
""",
    "named": """
class Order:
    def __repr__(self):
        count()
        log.error("no text of %(order)r", {"order": self})
        raise ValueError("no")
def start():
    log.error("order %(order)r", {"order": Order()})
""",
    "in a container": """
class Order:
    def __repr__(self):
        count()
        log.error("no text of %s", [{"order": self}])
        raise ValueError("no")
def start():
    log.error("order %s", [{"order": Order()}])
""",
    "too few arguments": """
class Order:
    def __repr__(self):
        count()
        log.error("%r and %r", self)
        return "Order"
def start():
    log.error("%r and %r", Order())
""",
    "text that is none": """
class Order:
    def __repr__(self):
        count()
        log.error("no text of %r", self)
        return 5
def start():
    log.error("order %r", Order())
""",
    "error that logs": """
class Failed(Exception):
    def __str__(self):
        count()
        log.error("no text of %s", self)
        raise Failed
def start():
    try:
        raise Failed
    except Failed as error:
        log.exception("failed %s", error)
""",
    "error of its own": """
class Failed(Exception):
    def __str__(self):
        count()
        try:
            return self.reason
        except AttributeError:
            log.exception("no text of %s", self)
            raise
def start():
    try:
        raise Failed
    except Failed as error:
        log.exception("failed %s", error)
""",
    "error with lines of its own": """
class Failed(SyntaxError):
    def __str__(self):
        count()
        try:
            return self.reason
        except AttributeError:
            log.exception("no text")
            raise
def start():
    try:
        raise Failed
    except Failed:
        log.exception("failed")
""",
    "error as its own argument": """
class Order:
    def __repr__(self):
        count()
        log.error("no text of %r", self)
        raise ValueError(self)
def start():
    log.error("order %r", Order())
""",
    "message": """
class Order:
    def __str__(self):
        count()
        log.error(self)
        raise ValueError("no")
def start():
    log.error(Order())
""",
    "field too": """
class Order:
    def __repr__(self):
        count()
        log.error("no text of %r", self, extra={"order": self, "again": self})
        raise ValueError("no")
def start():
    log.error("order %r", Order(), extra={"order": Order()})
""",
}
LOGGERS = [
    "ours",
    "ours, listened",
    "theirs",
    "native",
    "ours, tapped",
    "theirs, tapped",
    "ours, plain",
    "theirs, plain",
    "derived",
    "derived, plain",
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("how", LOGGERS)
def test_calls_grow_as_the_depth_does(run_python: Run, how: str, value: str) -> None:
    """Where records have a class of their own, too. Seen to fail with hundreds of calls at a limit of 60, and with more than 20,000 of `get_logger`."""
    few, many = (
        run_python(PROGRAM.replace("CODE", VALUES[value]), how, str(limit)).stdout.split("\n")[0] for limit in (60, 100)
    )
    assert "too many" not in (few, many)
    assert 1 <= int(few) <= (600 if "tapped" in how else 120)
    assert int(many) <= 2.2 * int(few) + 10


def test_what_is_told_of_arguments_runs_no_code_that_failed(logger: UnifiedLogger, records: Records) -> None:
    """Values of the built-in types as ever, and of others the names of their classes."""
    calls: list[str] = []

    class Order:
        def __repr__(self) -> str:
            calls.append("repr")
            raise RuntimeError("no number")

    given = [1, 2.5, "a", b"b", None, True, 1j, (1,), [], set(), frozenset({1}), {"k": [Order(), {Order: "v"}]}]
    logger.info("%s" * (len(given) + 1), *given, Order())
    (record,) = records()
    assert record["$error"] == "no number"
    shown = "(1, 2.5, 'a', b'b', None, True, 1j, (1,), [], set(), frozenset({1}), {'k': [<Order object>, {<type object>: 'v'}]}, <Order object>)"
    assert record["$args"] == shown
    assert calls == ["repr"]


def test_arguments_are_shown_whole_where_the_message_does_not_fit_them(logger: UnifiedLogger, records: Records) -> None:
    """Then no argument is at fault."""

    class Order:
        def __repr__(self) -> str:
            return "Order(7)"

    logger.info("%s %s", Order())
    logger.info("%d", Order())
    logger.info("%(b)s", {"a": Order()})
    assert [record["$args"] for record in records()] == ["(Order(7),)", "(Order(7),)", "({'a': Order(7)},)"]


def test_a_text_may_log_its_value(logger: UnifiedLogger, records: Records) -> None:
    """Where it comes to an end nothing is left out, as deep as it goes."""

    class Node:
        def __init__(self, depth: int) -> None:
            self.child = Node(depth - 1) if depth else None

        def __repr__(self) -> str:
            logger.info("child %r", self.child, child=str(self.child))
            return f"Node({self.child!r})" if self.child else "Leaf"

        def __str__(self) -> str:
            return f"text of {self!r}" if self.child else "leaf"

    logger.info("%s", Node(3))
    found = records()
    assert found[-1]["message"] == "text of Node(Node(Node(Leaf)))"
    assert not [record for record in found if "$args" in record]


@pytest.mark.parametrize("console", ["text", "json"])
def test_without_the_engine_arguments_are_asked_once(run_python: Run, tmp_path: Path, console: str) -> None:
    """However many files and consoles have the record, which say the same of it. Seen to fail with three calls."""
    done = run_python(
        """
import logging, sys
from unified_logger import get_logger, init_logging
init_logging(log_dir="logs", console_format=sys.argv[1], use_unified_logging=False)
calls = []
class Order:
    def __init__(self, fails):
        self.fails = fails
    def __str__(self):
        calls.append(self.fails)
        if self.fails:
            raise ValueError("no number")
        return "Order"
for fails in (False, True):
    get_logger("a").error("order %s", Order(fails), **{"$args": 1})
    logging.getLogger("b").error(Order(fails))
print(calls)
""",
        console,
    )
    assert done.stdout == "[False, False, True, True]\n"
    app, errors = ((tmp_path / "logs" / name).read_text() for name in ("app.log", "errors.log"))
    assert app == errors
    lines = [json.loads(line) for line in app.splitlines()]
    assert [line["message"] for line in lines][:3] == ["order Order", "Order", "order %s"]
    assert lines[2]["$error"] == "no number"
    assert (lines[2]["$args"], lines[2]["fields.$args"]) == (1, "(<Order object>,)")
    if console == "text":
        assert '$args=1 $error="no number" fields.$args="(<Order object>,)"' in done.stderr
    else:
        assert done.stderr == app


def test_a_value_whose_text_is_none_is_asked_once(logger: UnifiedLogger, records: Records) -> None:
    """`%` raises for it what it raises for a message that its arguments do not fit. Seen to fail with two calls."""
    calls: list[str] = []

    class Order:
        def __repr__(self) -> Any:
            calls.append("repr")
            return 5

    logger.info("%r", Order())
    (record,) = records()
    assert calls == ["repr"]
    assert record["$args"] == "(<Order object>,)"


@pytest.mark.parametrize(
    "message",
    [
        *("%s %s", "no place", "%(a)s", "%(a", "%", "%y", "%*d", "%d", "%x", "%c"),
        *("%99999999999999999999d", "%.99999999999999999999d"),
    ],
)
def test_each_misfit_is_known_from_what_a_value_raises(message: str, logger: UnifiedLogger, records: Records) -> None:
    """Whatever this version of Python says of it: the arguments are shown whole. Seen to fail for each with its text left out."""

    class Order:
        def __repr__(self) -> str:
            return "Order(7)"

    logger.info(message, Order())
    (record,) = records()
    assert (record["message"], record["$args"]) == (message, "(Order(7),)")


def test_the_collector_may_run_finalizers_that_log(run_python: Run) -> None:
    """While it is looked up what is being asked nothing may bring it. Seen to fail with 897 panics."""
    done = run_python(
        """
import gc
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", console_format="off", log_level="DEBUG", queue_size=100_000)
log = get_logger("a")
deaths = 0
stop = False
class Text:
    def __str__(self):
        return "text"
    __repr__ = __str__
text = Text()
class Cycle:
    def __init__(self):
        self.me = self
    def __del__(self):
        global deaths
        deaths += 1
        if not stop:
            Cycle()
        log.info("%s", text)
class Logging:
    def __str__(self):
        held = [[] for _ in range(100)]
        gc.enable()
        log.info("inner", value=text)
        gc.disable()
        return "outer"
outer = Logging()
log.info("first %s", text, value=text)
gc.disable()
gc.set_threshold(1, 10**6, 10**6)
for _ in range(3):
    Cycle()
for _ in range(100):
    log.info("%(outer)s", {"outer": outer})
stop = True
gc.collect()
flush_logging()
stats = get_stats()
print(stats["accepted"] == stats["written"] == 201 + deaths, stats["errors"], deaths > 0)
"""
    )
    assert (done.stdout, done.stderr) == ("True 0 True\n", "")


def test_green_threads_are_no_recursion(logger: UnifiedLogger, records: Records) -> None:
    """Those that are suspended in the text of a value have stacks of their own. Seen to fail from the second on for fields, from the fifth for arguments."""
    greenlet = pytest.importorskip("greenlet", reason="greenlet has no wheel for this Python")
    main = greenlet.getcurrent()

    class Session:
        def __repr__(self) -> str:
            if greenlet.getcurrent() is not main:
                main.switch()
            return "Session(7)"

        def __str__(self) -> str:
            return repr(self)

    session = Session()
    calls: list[Callable[[], None]] = [
        lambda: logger.info("%s", session),
        lambda: logger.info("%(session)s", {"session": [session]}),
        lambda: logger.info(session),
        lambda: logger.info("Session(7)", session=session),
    ]
    threads = [greenlet.greenlet(call) for call in calls * 6]
    for thread in threads:
        thread.switch()
        for call in calls:
            call()
    logger.info("%s %s", session)
    for thread in reversed(threads):
        thread.switch()
    found = records()
    assert len(found) == 24 * 5 + 1
    assert not [record for record in found if "Session(7)" not in (record["message"] + record.get("$args", ""))]
    assert {record["session"] for record in found if "session" in record} == {"Session(7)"}
    assert [record["$args"] for record in found if "$error" in record] == ["(Session(7),)"]


def test_large_arguments_cost_the_same_inside_of_others(logger: UnifiedLogger) -> None:
    """Not all that is in them is looked for further up. Seen to fail with more than ten times as long."""

    class Leaf:
        def __repr__(self) -> str:
            return "leaf"

    nested = [[Leaf() for _ in range(64)] for _ in range(64)]
    times: list[float] = []

    def shortest() -> float:
        def once() -> float:
            started = time.perf_counter()
            logger.info("%s", nested)
            return time.perf_counter() - started

        return min(once() for _ in range(20))

    class Outer:
        def __str__(self) -> str:
            times.append(shortest())
            return "outer"

    logger.info("%s", Outer())
    assert times[0] < 4 * shortest()
