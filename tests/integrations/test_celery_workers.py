"""Real Celery workers on the file-system transport: traces go with tasks, each end is told once, nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from on_disk import parsed
from programs import program
from recovery import recover

pytest.importorskip("celery")

TASKS = program(__file__, "tasks")

# A restart runs the same script again, which `-m celery` is not. A worker looks for the signal to stop every 2 s otherwise.
# Celery has the system kill a child when the thread that forked it ends. The one that puts new children in the place of old ones ends at a
# warm shutdown, on a busy machine before they do: one killed while it waits for work keeps the lock that billiard's exit waits for.
WORKER = """
import sys
import celery.platforms
import kombu
from tasks import app

celery.platforms.set_pdeathsig = lambda name: None

drain_events = kombu.Connection.drain_events
kombu.Connection.drain_events = lambda self, timeout=None: drain_events(self, timeout=min(timeout or 0.05, 0.05))
app.worker_main(["worker", *sys.argv[1:]])
"""

PUBLISHER = """
from celery import chain, group
from tasks import LoggingContext, app, logger, again, fail, give, ignore, link, reject, throw, wait, work

def get(result):
    return result.get(timeout=60, interval=0.01, propagate=False)

"""


class Worker:
    """A worker of a pool of some kind, and programs that give it work."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.output = folder / "worker.txt"
        for name in ("written", "queue", "control", "results"):
            (folder / name).mkdir(exist_ok=True)
        (folder / "tasks.py").write_text(TASKS, encoding="utf-8")
        (folder / "worker.py").write_text(WORKER, encoding="utf-8")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "INFO")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "worker.py", *quiet, *options],
                cwd=folder,
                env=os.environ | {"PYTHONWARNINGS": "ignore"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def publish(self, code: str) -> str:
        """Run a program that gives work; what it printed."""
        (self.folder / "publisher.py").write_text(PUBLISHER + code, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "publisher.py"],
            cwd=self.folder,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.output.read_text()}"
        return done.stdout

    def found(self, **wanted: Any) -> list[dict[str, Any]]:
        """The records so far that have these fields."""
        path = self.folder / "logs" / "app.log"
        records = [] if not path.exists() else list(parsed(path))
        return [record for record in records if all(record.get(name) == value for name, value in wanted.items())]

    def wait_for(self, count: int = 1, **wanted: Any) -> list[dict[str, Any]]:
        """Wait until there are that many of them."""
        deadline = time.monotonic() + 60
        while True:
            try:
                found = self.found(**wanted)
            except AssertionError:
                found = []  # looked at in the middle of a line
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{len(found)} of {count} {wanted}\n{self.output.read_text()}"
            assert self.process.poll() is None, self.output.read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """Ask the worker to end when its tasks are done."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.output.read_text()

    def end(self) -> None:
        """End whatever is left of it, children included."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Start a worker with some options."""
    workers: list[Worker] = []

    def start_worker(*options: str) -> Worker:
        workers.append(Worker(tmp_path, *options))
        return workers[-1]

    yield start_worker
    for worker in workers:
        worker.end()


UNITS = 40

# Units interleave: all are published before the first result is awaited.
EVERYTHING = f"""
results = []
for number in range({UNITS}):
    unit = f"{{number + 1:032x}}"
    with LoggingContext(trace_id=unit, tenant=number):
        logger.info("publishes", unit=unit)
        results += [work.delay(unit), again.delay(unit), fail.delay(unit), throw.delay(unit)]
        if number < 5:
            results.append(chain(link.si(0, unit), link.s(unit)).apply_async())
            results.append(group(link.si(1, unit), link.si(2, unit)).apply_async())
            results += [give.delay(unit), ignore.delay(unit) and work.delay(unit), reject.delay(unit) and work.delay(unit)]
results.append(work.delay())
for result in results:
    get(result)
"""

POOLS = [("-P", "prefork", "-c", "2"), ("-P", "threads", "-c", "4"), ("-P", "solo")]


@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool[1])
def test_tasks_have_the_trace_of_who_published_them(start_worker: Callable[..., Worker], pool: tuple[str, ...]) -> None:
    """In each kind of pool, with retries, chains, groups and tasks that publish tasks; each end is told once, errors included."""
    worker = start_worker(*pool)
    worker.publish(EVERYTHING)
    ends = UNITS * 6 + 5 * (2 + 2 + 2 + 2 + 2) + 1
    worker.wait_for(ends, message="task ended")
    worker.stop()
    found = worker.found()

    of_units = [record for record in found if record.get("unit") is not None]
    assert [record for record in of_units if record.get("trace_id") != record["unit"]] == []
    (alone,) = worker.found(message="ours", unit=None)
    assert len(alone["trace_id"]) == 32  # a new one
    assert "tenant" not in alone

    # Each record has the fields of its task, and each run a span whose parent is the publisher's.
    ended = worker.found(message="task ended")
    assert len(ended) == ends
    assert len({(record["task_id"], record["retries"]) for record in ended}) == ends
    spans = {record["span_id"] for record in ended}
    assert len(spans) == ends
    published = {record["trace_id"]: record["span_id"] for record in worker.found(message="publishes")}
    for record in ended:
        assert record["logger"] == "celery.task"
        assert record["duration_ms"] > 0
        parent = record.get("parent_span_id")
        assert (
            parent is None
            if record["trace_id"] == alone["trace_id"]
            else parent in {published[record["trace_id"]], *spans}
        )
    assert {record["span_id"] for record in worker.found(message="ours") if record is not alone} <= spans
    assert {record["task"] for record in worker.found(message="theirs")} == {"tasks.work"}

    states = [(record["task"], record["state"], record["level"]) for record in ended]
    for name, state, level, count in (
        ("work", "SUCCESS", "INFO", UNITS + 16),
        ("fail", "FAILURE", "ERROR", UNITS),
        ("throw", "FAILURE", "INFO", UNITS),
        ("again", "RETRY", "INFO", UNITS * 2),
        ("again", "SUCCESS", "INFO", UNITS),
        ("ignore", "IGNORED", "INFO", 5),
        ("reject", "REJECTED", "WARNING", 5),
    ):
        assert states.count((f"tasks.{name}", state, level)) == count, (name, state)

    # Exceptions are logged once, where they came from.
    errors = [record for record in found if "exception" in record]
    assert {record["message"] for record in errors} == {"task ended"}
    assert len(errors) == UNITS
    assert errors[0]["exception"]["type"] == "ValueError"
    assert 'raise ValueError("broken")' in errors[0]["exception"]["traceback"]
    assert {record["error"] for record in worker.found(task="tasks.throw", message="task ended")} == {
        "KeyError: 'expected'"
    }
    assert {record["reason"] for record in worker.found(state="RETRY")} == {"Retry in 0s: ValueError('not yet')"}

    # Celery's own lines come in once, and none of them goes past us.
    assert len([record for record in found if record["logger"] == "celery.worker.strategy"]) == ends
    assert [record for record in found if record["logger"] == "celery.app.trace"] == []
    assert not [line for line in worker.output.read_text().splitlines() if "INFO" in line or "ERROR" in line]


def test_the_processes_of_the_pool_share_the_work(start_worker: Callable[..., Worker]) -> None:
    """Both children log, each under its own number, and what they log is there once they ended by themselves."""
    worker = start_worker("-P", "prefork", "-c", "2", "--max-tasks-per-child", "3")
    worker.publish("for result in [work.delay(str(number)) for number in range(20)]: get(result)")
    worker.stop()
    ours = worker.found(message="ours")
    assert sorted(int(record["unit"]) for record in ours) == list(range(20))
    assert len({record["process"] for record in ours}) >= 6
    assert worker.process.pid not in {record["process"] for record in ours}
    assert [record for record in worker.found() if "recovered" in record] == []


def test_a_child_that_is_killed_loses_nothing(start_worker: Callable[..., Worker], tmp_path: Path) -> None:
    """What its calls returned from is recovered, and the worker tells of the task, in its trace."""
    worker = start_worker("-P", "prefork", "-c", "2")
    trace_id = "ab" * 16
    worker.publish(
        f"""
from tasks import die
with LoggingContext(trace_id="{trace_id}", span_id="{"cd" * 8}"):
    get(die.delay("u"))
get(work.delay("after"))
"""
    )
    worker.wait_for(task="tasks.die", message="task ended")
    worker.stop()
    recover(tmp_path / "logs", lambda: len(worker.found(writer="dying")) == 5)
    words = worker.found(writer="dying")
    assert [record["number"] for record in words] == list(range(5))
    (ended,) = worker.found(task="tasks.die", message="task ended")
    assert (ended["trace_id"], ended["parent_span_id"], ended["state"]) == (trace_id, "cd" * 8, "FAILURE")
    assert ended["error"].startswith("WorkerLostError: ")
    assert {record["trace_id"] for record in words} == {trace_id}
    assert worker.found(message="ours", unit="after")


def test_a_warm_shutdown_waits_for_its_task(start_worker: Callable[..., Worker], tmp_path: Path) -> None:
    """SIGTERM in the middle of a task: the task ends as if nothing was, and all of it is in the file."""
    worker = start_worker("-P", "prefork", "-c", "1")
    worker.publish("wait.delay('u')")
    worker.wait_for(message="waiting")
    worker.process.send_signal(signal.SIGTERM)
    (tmp_path / "go").touch()
    assert worker.process.wait(60) == 0, worker.output.read_text()
    assert len(worker.found(message="waited")) == 1
    (ended,) = worker.found(message="task ended")
    assert ended["state"] == "SUCCESS"
    assert [record for record in worker.found() if "recovered" in record] == []


def test_a_restarted_worker_logs_on(start_worker: Callable[..., Worker]) -> None:
    """SIGHUP has the worker start anew in the same process: what it logged before is in the file, once, and so is what follows."""
    worker = start_worker("-P", "prefork", "-c", "1")
    worker.publish("get(work.delay('before'))")
    worker.process.send_signal(signal.SIGHUP)
    worker.publish("get(work.delay('after'))")
    worker.stop()
    assert [record["unit"] for record in worker.found(message="ours")] == ["before", "after"]
    assert len([record for record in worker.found() if record["message"].endswith("ready.")]) == 2
    assert [record for record in worker.found() if "recovered" in record] == []


def test_tasks_of_the_beat_begin_traces(start_worker: Callable[..., Worker], tmp_path: Path) -> None:
    """Each of its own; what the beat says is in the file too."""
    worker = start_worker("-P", "solo", "--beat", "--schedule", str(tmp_path / "schedule"))
    worker.wait_for(3, message="ours", unit="beat")
    worker.stop()
    found = worker.found(message="ours", unit="beat")
    assert len({record["trace_id"] for record in found}) == len(found)
    assert not any("parent_span_id" in record for record in worker.found(message="task ended"))
    assert worker.found(logger="celery.beat")
