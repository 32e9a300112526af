"""Arguments of tasks, which are often secrets, are in no record unless they are asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from on_disk import parsed

pytest.importorskip("celery")

# A worker in the process of the publisher: it ends when the queue is empty. An unknown task and a decoding error are among the messages.
PROGRAM = """
import sys, threading, time
from celery import Celery
from celery.contrib.testing.worker import start_worker
from unified_logger import init_logging
from unified_logger.integrations import celery

init_logging(log_dir="logs", console_format="off", levels={"celery": "DEBUG"})
celery.install(**eval(sys.argv[1]))
app = Celery("tasks", broker="memory://", backend="cache+memory://")

@app.task(bind=True, max_retries=1)
def pay(self, card, *, code):
    if self.request.retries == 0 and card == "again-s3cret":
        raise self.retry(countdown=0)
    if card == "fail-s3cret":
        raise ValueError("no")

@app.task
def stop():
    pass

with start_worker(app, pool="solo", perform_ping_check=False, loglevel="DEBUG"):
    results = [pay.delay(f"{how}-s3cret", code="s3cret-code") for how in ("well", "again", "fail")]
    app.send_task("unknown", ("s3cret-unknown",))
    for result in [*results, stop.delay()]:
        result.get(timeout=60, propagate=False)
"""


def run(folder: Path, options: str) -> list[dict[str, object]]:
    """The records of a worker and its tasks."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, options],
        cwd=folder,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(parsed(folder / "logs" / "app.log"))


def test_no_record_has_the_arguments_of_a_task(tmp_path: Path) -> None:
    """Received, retried, failed, succeeded, and unknown."""
    records = run(tmp_path, "{}")
    messages = [str(record["message"]) for record in records]
    assert sum(message.endswith("received") for message in messages) == 5
    assert any(message.startswith("Received unregistered task") for message in messages)
    assert messages.count("task ended") == 5
    assert [record for record in records if "s3cret" in str(record)] == []
    received = next(record for record in records if str(record["message"]).endswith("received"))
    assert received["data"].keys() >= {"id", "name"}  # type: ignore[attr-defined]


def test_they_are_there_on_request(tmp_path: Path) -> None:
    """In Celery's record and in that of the end."""
    records = run(tmp_path, "{'arguments': True}")
    received = [record["data"]["args"] for record in records if str(record["message"]).endswith("received")]  # type: ignore[index]
    assert "('well-s3cret',)" in received
    ended = {record["args"]: record["kwargs"] for record in records if record["message"] == "task ended"}
    assert ended["('fail-s3cret',)"] == "{'code': 's3cret-code'}"
    assert ended["()"] == "{}"
