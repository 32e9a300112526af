"""Functions that get records, on threads of their own, behind the queue."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from kinds import Records, Run, Start

from unified_logger import (
    ConfigurationError,
    add_sink,
    flush_logging,
    get_logger,
    get_stats,
    init_logging,
)


def test_a_sink_gets_each_record_as_the_files_have_it(start: Start, records: Records) -> None:
    """As a mapping, on a thread of its own; and none after it was removed."""
    got: list[dict[str, Any]] = []
    threads: set[str] = set()

    def keep(record: dict[str, Any]) -> None:
        threads.add(threading.current_thread().name)
        got.append(record)

    start(redaction=True)
    sink = add_sink(keep)
    get_logger("shop").info("paid", total=7.5, password="hunter2")
    assert flush_logging(10)
    assert got == records()
    assert got[0]["password"] != "hunter2"
    assert threads == {"unified_sink_keep"}
    sink.remove()
    sink.remove()
    get_logger("shop").info("later")
    assert flush_logging(10)
    assert len(got) == 1


def test_a_sink_may_be_added_before_the_start_and_stays(start: Start) -> None:
    """Through further starts."""
    got: list[str] = []
    with add_sink(lambda record: got.append(record["message"]), name="mine"):
        for number in range(3):
            start(queue_size=100 + number)
            get_logger("shop").info(f"start {number}")
        assert flush_logging(10)
    assert got == ["start 0", "start 1", "start 2"]
    assert get_stats()["sinks"]["mine"]["written"] == 3


def test_a_sink_takes_what_it_asks_for(start: Start) -> None:
    """By level, logger and further keys of an output; as lines too."""
    lines: list[str] = []
    paid: list[str] = []
    errors: list[str] = []
    start()
    with (
        add_sink(lines.append, logger="shop.*", form="line", max_level="INFO", name="lines"),
        add_sink(lambda record: errors.append(record["message"]), level="ERROR", name="errors-only"),
        add_sink(paid.append, fields_equal={"paid": True}, form="line", format="logfmt", name="paid"),
    ):
        get_logger("shop.cart").info("taken")
        get_logger("other").info("not taken")
        get_logger("other").error("broken")
        get_logger("other").info("paid", paid=True)
    assert [json.loads(line)["message"] for line in lines] == ["taken"]
    assert [" message=paid " in line for line in paid] == [True]
    assert errors == ["broken"]


def test_a_failing_sink_is_counted_and_told_once(start: Start, records: Records) -> None:
    """The next record is another matter. The notice comes to no sink as a reason for a further one."""

    def fail(record: dict[str, Any]) -> None:
        raise LookupError("no topic")

    start()
    before = get_stats()["sinks"].get("fail", {}).get("failed", 0)
    with add_sink(fail):
        for _ in range(5):
            get_logger("shop").info("paid")
        assert flush_logging(10)
        assert get_stats()["sinks"]["fail"]["failed"] - before >= 5
    notices = [record for record in records() if record["logger"] == "unified_logger"]
    assert [notice["message"] for notice in notices] == ["the sink fail failed: LookupError: no topic"]
    assert notices[0]["level"] == "WARNING"


def test_a_failure_is_told_whatever_the_record_says(start: Start, records: Records) -> None:
    """Only the library's own notices are no reason for another notice."""

    def fail(record: dict[str, Any]) -> None:
        raise LookupError("no topic")

    start()
    with add_sink(fail, name="failing"):
        get_logger("shop").info("unified_logger is what we log with")
    assert [record["message"] for record in records() if record["logger"] == "unified_logger"] == [
        "the sink failing failed: LookupError: no topic"
    ]


class _Monkey(ModuleType):
    """In the place of gevent's module: whether `threading` is replaced, and what was there before."""

    def __init__(self, is_patched: bool) -> None:
        super().__init__("gevent.monkey")
        self._is_patched = is_patched

    def is_module_patched(self, name: str) -> bool:
        return self._is_patched and name == "threading"

    def get_original(self, module: str, name: str) -> Any:
        return getattr(sys.modules[module], name)


@pytest.mark.parametrize("green", [False, True], ids=["threads", "threads replaced"])
def test_a_sink_that_is_removed_leaves_no_thread(start: Start, monkeypatch: pytest.MonkeyPatch, green: bool) -> None:
    """Nor the name of one, which a later thread would have. Also where gevent has replaced threads."""
    monkeypatch.setitem(sys.modules, "gevent.monkey", _Monkey(green))
    start()
    with add_sink(lambda record: None, name="short"):
        get_logger("shop").info("m")
        assert flush_logging(10)
    deadline = time.monotonic() + 10
    while any(thread.name == "unified_sink_short" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_a_sink_logs_comes_to_no_sink(start: Start, records: Records) -> None:
    """But to the files."""
    calls: list[str] = []

    def talk(record: dict[str, Any]) -> None:
        calls.append(record["message"])
        get_logger("inner").info("inside")

    start()
    with add_sink(talk, name="one"), add_sink(talk, name="two"):
        get_logger("shop").info("outside")
    assert calls == ["outside", "outside"]
    assert sorted(record["message"] for record in records()) == ["inside", "inside", "outside"]


def test_a_coroutine_function_runs_in_a_loop_of_its_thread(start: Start) -> None:
    """The same loop for all records."""
    import asyncio

    loops: list[object] = []

    async def keep(record: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())

    start()
    with add_sink(keep):
        get_logger("shop").info("one")
        get_logger("shop").info("two")
    assert len(loops) == 2
    assert len(set(loops)) == 1


def test_what_can_be_awaited_is_awaited(start: Start) -> None:
    """Also if it is no coroutine: those of compiled modules are objects of classes of their own."""
    import asyncio

    done: list[str] = []

    class Sending:
        def __init__(self, message: str) -> None:
            self.message = message

        def __await__(self) -> Generator[Any, None, None]:
            yield from asyncio.sleep(0).__await__()
            done.append(self.message)

    start()
    with add_sink(lambda record: Sending(record["message"])):
        get_logger("shop").info("one")
        get_logger("shop").info("two")
    assert done == ["one", "two"]


def test_a_sink_may_fork(run_python: Run) -> None:
    """Nothing is told on standard error, and it gets the next record all the same."""
    done = run_python(
        """
import os
from unified_logger import add_sink, flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off")

def forks(record):
    if record["message"] == "again":
        return os.write(1, b"again")
    pid = os.fork()
    if pid == 0:
        get_logger("a").info("in the child")
        flush_logging(5)
        os._exit(0)
    os.waitpid(pid, 0)

with add_sink(forks, logger="b"):
    get_logger("b").info("fork")
    for _ in range(100):
        if flush_logging(1) and b"in the child" in open("logs/app.log", "rb").read():
            break
    get_logger("b").info("again")
"""
    )
    assert (done.stdout.split(), done.stderr) == (["again"], "")


def test_a_slow_sink_holds_up_neither_calls_nor_files(run_python: Run) -> None:
    """What finds no room is dropped, counted, and told. Every record is in the files."""
    done = run_python(
        """
import json, threading
from unified_logger import add_sink, flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", console_format="off", max_bytes=0)
gate = threading.Event()
add_sink(lambda record: gate.wait(), name="slow")
for number in range(30_000): get_logger("a").info("m" * 2_000, number=number)
flush_logging(0.5)
assert get_stats()["files"]["app"]["written"] == 30_000, get_stats()
assert get_stats()["sinks"]["slow"]["dropped"] > 1_000, get_stats()["sinks"]
gate.set()
assert flush_logging(30)
sinks = get_stats()["sinks"]["slow"]
while sinks["written"] + sinks["dropped"] < 30_000: sinks = get_stats()["sinks"]["slow"]
get_logger("a").info("last")
flush_logging(30)
print([json.loads(line)["message"] for line in open("logs/app.log") if '"unified_logger"' in line])
"""
    )
    assert "the sink slow takes too long: " in done.stdout


def test_a_flush_answers_for_the_files_alone(start: Start, records: Records) -> None:
    """It gives a slow function a second, and is true although that has not had all records."""
    may_go_on, got = threading.Event(), []

    def slow(record: dict[str, Any]) -> None:
        may_go_on.wait(60)
        got.append(record["message"])

    start()
    with add_sink(slow):
        get_logger("shop").info("paid")
        assert flush_logging(30) is True
        assert [record["message"] for record in records()] == ["paid"]
        assert got == []
        may_go_on.set()
        end = time.monotonic() + 30
        while not got and time.monotonic() < end:
            # It gives the function no more than a second each time.
            assert flush_logging(30)
        assert got == ["paid"]


def test_what_was_logged_before_the_end_comes_to_sinks(run_python: Run) -> None:
    """Without a flush, also from a forked child."""
    done = run_python(
        """
import os, sys
from unified_logger import add_sink, get_logger, init_logging
init_logging(log_dir="logs", console_format="off")
add_sink(lambda record: os.write(1, (record["message"] + "\\n").encode()))
get_logger("a").info("before the fork")
pid = os.fork()
if pid == 0:
    get_logger("a").info("in the child")
    sys.exit()
os.waitpid(pid, 0)
get_logger("a").info("after the fork")
"""
    )
    assert sorted(done.stdout.splitlines()) == ["after the fork", "before the fork", "in the child"]


@pytest.mark.skipif("sys.version_info < (3, 12)")
def test_a_fork_finds_no_threads_of_sinks(run_python: Run) -> None:
    """Python would warn of them."""
    run_python(
        """
import os, warnings
warnings.simplefilter("error")
from unified_logger import add_sink, get_logger, init_logging
init_logging(log_dir="logs", console_format="off")
add_sink(lambda record: None)
for number in range(20):
    get_logger("a").info("m")
    if os.fork() == 0: os._exit(0)
    os.wait()
"""
    )


def test_a_sink_may_be_an_output_of_a_file(run_python: Run, tmp_path: Path) -> None:
    """Named as `module:name`; a reload may change it."""
    (tmp_path / "mine.py").write_text(
        "def one(record): print('one', record['message'], flush=True)\n"
        "def two(line): print('two', line.startswith('{'), flush=True)\n",
        "utf-8",
    )
    (tmp_path / "logging.yaml").write_text(
        "log_dir: logs\noutputs: {own: {function: 'mine:one', level: ERROR}}\n", "utf-8"
    )
    done = run_python(
        """
from pathlib import Path
from unified_logger import flush_logging, get_logger, init_logging_from_config, reload_logging
init_logging_from_config("logging.yaml", console_format="off")
get_logger("a").info("no"); get_logger("a").error("yes"); flush_logging(10)
file = Path("logging.yaml")
file.write_text(file.read_text().replace("'mine:one', level: ERROR", "'mine:two', form: line"))
print(reload_logging())
get_logger("a").info("again"); flush_logging(10)
"""
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "one yes"
    assert "'outputs.own.function': ('mine:one', 'mine:two')" in done.stdout
    assert lines[-1] == "two True"


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"level": "LOUD"}, "level"),
        ({"form": "xml"}, "form"),
        ({"format": "text"}, "format"),
        ({"max_levle": 3}, "max_levle"),
        ({"level": "ERROR", "max_level": "INFO"}, "max_level"),
        ({"logger": "a", "loggers": ["b"]}, "loggers"),
        ({"preset": "ecs"}, "preset"),
        ({"name": "app"}, "name"),
        ({"name": "no name"}, "no name"),
    ],
)
def test_what_is_wrong_is_refused(start: Start, records: Records, wrong: dict[str, Any], key: str) -> None:
    """Logging goes on as before."""
    start()
    with pytest.raises(ConfigurationError, match=key):
        add_sink(print, **wrong)
    get_logger("shop").info("paid")
    assert len(records()) == 1


def _items(record: dict[str, Any]) -> Generator[None, None, None]:
    """A generator function."""
    yield


async def _items_later(record: dict[str, Any]) -> AsyncGenerator[None, None]:
    """A generator function of the other kind."""
    yield


class _Items:
    """An object that is called like one."""

    def __call__(self, record: dict[str, Any]) -> Generator[None, None, None]:
        yield


@pytest.mark.parametrize("function", [_items, _items_later, _Items()], ids=["generator", "asynchronous", "object"])
def test_a_function_that_would_never_run_is_refused(start: Start, function: Any) -> None:
    """Of a generator function a call runs nothing, so its records would be lost in silence."""
    start()
    with pytest.raises(ConfigurationError, match="has a yield"):
        add_sink(function)
    with pytest.raises(ConfigurationError, match="has a yield"):
        start(outputs={"own": {"function": function}})
    with pytest.raises(ConfigurationError, match="has a yield"):
        start(processors=[function])


def test_a_name_that_the_configuration_has_is_refused(log_dir: Path) -> None:
    """Whichever comes first."""
    init_logging(log_dir=log_dir, outputs={"own": {"function": print}})
    with pytest.raises(ConfigurationError, match="own"):
        add_sink(print, name="own")
    init_logging(log_dir=log_dir)
    with (
        add_sink(lambda record: None, name="own"),
        pytest.raises(ConfigurationError, match=r"outputs\.own"),
    ):
        init_logging(log_dir=log_dir, outputs={"own": {"function": print}})


def test_a_reload_keeps_sinks_that_were_added(run_python: Run, tmp_path: Path) -> None:
    """They are no part of the file."""
    (tmp_path / "logging.yaml").write_text("log_dir: logs\nlog_level: INFO\n", "utf-8")
    run_python(
        """
from pathlib import Path
from unified_logger import add_sink, flush_logging, get_logger, init_logging_from_config, reload_logging
init_logging_from_config("logging.yaml", console_format="off")
got = []
add_sink(lambda record: got.append(record["message"]), logger="a")
Path("logging.yaml").write_text("log_dir: logs\\nlog_level: DEBUG\\n")
reload_logging()
get_logger("a").debug("detail")
flush_logging(10)
assert got == ["detail"], got
"""
    )
