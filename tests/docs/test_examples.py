"""Each example, run as its page says, does what its page shows."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from example_pages import EXAMPLES, PAGES, Page, missing

if TYPE_CHECKING:
    from conftest import Run

# The lines that one screen has room for.
SCREEN = 56
# Celery writes this past everything, in its handler of the signal.
CELERYS_OWN = {"", "worker: Warm shutdown (MainProcess)"}
ACCESS = "unified_logger.access"
WITH_REQUESTS = [name for name, page in PAGES.items() if any("curl" in command for command in page.commands)]

each_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
of_requests = pytest.mark.parametrize("run", WITH_REQUESTS, indirect=True)


def test_every_example_has_its_page() -> None:
    """No folder of examples/ is without a page in the docs, and no page without its folder."""
    assert {folder.name for folder in EXAMPLES.iterdir() if folder.is_dir()} == set(PAGES)


@each_page
def test_the_page_is_one_screen(page: Page) -> None:
    """A page is read without much scrolling."""
    assert len(page.lines) <= SCREEN


@each_page
def test_the_page_shows_the_code_that_is_run(page: Page) -> None:
    """The programs on the page are those of examples/, to the letter, and none is left out."""
    assert page.code() == {path.name: path.read_text(encoding="utf-8") for path in page.folder.glob("*.py")}


@each_page
def test_the_page_installs_what_there_is(page: Page) -> None:
    """One command installs the example; every extra in it is one of this package."""
    extras = f"[{','.join(sorted(page.extras))}]"
    assert page.installs == [f'pip install "unified_logger{extras}"' if page.extras else "pip install unified_logger"]
    assert page.extras <= set(distribution("unified_logger").metadata.get_all("Provides-Extra") or [])


def test_what_is_shown_is_in_the_log(run: Run) -> None:
    """Every line on the page is a record that was written: keys, order, values, and which ids are the same."""
    assert run.page.shown
    assert missing(run.page, run.records()) == [], "\n".join(map(str, run.records()))


def test_nothing_unformatted_is_printed(run: Run) -> None:
    """Standard output and standard error have records alone, each once, also while servers start and stop."""
    printed = [line for line in run.printed() if line not in CELERYS_OWN]
    for line in printed:
        assert next(iter(json.loads(line))) == "timestamp", line
    assert [line for line, times in Counter(printed).items() if times > 1] == []


def test_every_record_is_written_once(run: Run) -> None:
    """No record is in app.log twice, not even in other words: an exception is told once in each trace."""
    lines = Counter(json.dumps(record) for record in run.records())
    assert [line for line, times in lines.items() if times > 1] == []
    raised = Counter(
        (record.get("trace_id"), record["exception"]["type"]) for record in run.records() if "exception" in record
    )
    assert [what for what, times in raised.items() if times > 1] == []


def test_errors_have_their_own_file(run: Run) -> None:
    """What is an error in app.log is in errors.log, and nothing else is."""
    assert run.records("errors.log") == [record for record in run.records() if record["level"] in ("ERROR", "CRITICAL")]


def test_ai_records_have_their_own_file(run: Run) -> None:
    """What a model answered is in ai_responses.log too, and so is all that a logger of that name says."""
    ai = [record for record in run.records() if "ai" in record["logger"].split(".") or "gen_ai.request.model" in record]
    assert run.records("ai_responses.log") == ai


def test_every_command_ends_well(run: Run) -> None:
    """Programs end with 0; servers do once they are told to, or by the signal that told them."""
    assert all(code in (0, -signal.SIGTERM) for code in run.codes.values()), run.codes


@of_requests
def test_every_request_has_one_access_record(run: Run) -> None:
    """A request is told of once, with what it was answered, and by nobody else."""
    told = [record for record in run.records() if record["logger"] == ACCESS]
    assert {(record["path"], record["status"]) for record in told} == {(one.path, one.status) for one in run.answers}
    assert len(told) == len(run.answers)
    others = [record for record in run.records() if re.search(r'"?GET /', record["message"]) and record not in told]
    assert others == []


@of_requests
def test_every_record_of_a_request_has_its_trace(run: Run) -> None:
    """What the application logs has the trace of the request's header, which is also in the response."""
    sent = [one.sent["traceparent"].split("-")[1] for one in run.answers]
    assert [one.headers["x-trace-id"] for one in run.answers] == sent
    told = {record["path"]: record["trace_id"] for record in run.records() if record["logger"] == ACCESS}
    assert told == dict(zip((one.path for one in run.answers), sent, strict=True))
    own = {record["logger"] for record in run.page.shown if record.keys() >= {"logger", "trace_id"}}
    assert own
    logged = [record.get("trace_id") for record in run.records() if record["logger"] in own]
    assert set(logged) <= set(sent)


@of_requests
def test_every_worker_logs(run: Run) -> None:
    """Two workers and who watches them write into the same files."""
    assert len({record["process"] for record in run.records()}) == 3


@pytest.mark.parametrize("run", ["celery"], indirect=True)
def test_a_trace_crosses_processes(run: Run) -> None:
    """What was logged where a task was sent and where it was done has one trace; it is done in children of the worker."""
    shop = [record for record in run.records() if record["logger"] == "shop"]
    traces = defaultdict(list)
    for record in shop:
        traces[record["trace_id"]].append(record)
    assert [[record["message"] for record in records] for records in traces.values()] == [
        ["order received", "charging"]
    ] * 2
    assert all(sent["order_id"] == done["order_id"] for sent, done in traces.values())
    assert {sent["process"] for sent, _ in traces.values()}.isdisjoint(done["process"] for _, done in traces.values())


def test_the_asyncio_worker_ends_what_it_began(tmp_path: Path) -> None:
    """SIGTERM while a job runs, with its input still open: the job is answered, and the worker ends with 0."""
    folder = PAGES["asyncio_worker"].folder
    job = (folder / "jobs.jsonl").read_bytes().splitlines(keepends=True)[0]
    log = tmp_path / "logs" / "app.log"
    command = [sys.executable, str(folder / "app.py")]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(job)
            process.stdin.flush()
            deadline = time.monotonic() + 30
            while not (log.exists() and b"span started" in log.read_bytes()):
                assert time.monotonic() < deadline
                time.sleep(0.001)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
    assert b'"message":"answered"' in log.read_bytes()
