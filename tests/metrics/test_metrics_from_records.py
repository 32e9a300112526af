"""What records make by configuration is equal to what was logged, whatever became of the processes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

METRICS = """
metrics = {
    "orders_total": {
        "type": "count", "help": 'Orders, "all" of them.', "loggers": ["shop"], "fields_present": ["order"],
        "labels": {"paid": {"field": "paid", "values": [True, False]}, "level": "level"},
    },
    "latency_seconds": {
        "type": "histogram", "field": "latency_ms", "scale": 0.001, "buckets": [0.1, 0.5],
        "labels": {"endpoint": {"field": "endpoint", "bound": 3}},
    },
    "bytes_sent": {"type": "sum", "field": "size", "level": "DEBUG"},
}
"""
PROGRAM = (
    METRICS
    + """
import sys
from unified_logger import LoggingContext, flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", log_level="DEBUG", file_level="WARNING", console_format="off", record_metrics=metrics)
logger = get_logger("shop")
"""
)
# The metrics of Prometheus by its own parser.
Parsed = dict[tuple[str, tuple[tuple[str, str], ...]], Any]


def exposition(directory: Path, *options: str) -> str:
    command = [sys.executable, "-m", "unified_logger.cli", "metrics", "logs", *options]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60, check=True).stdout


def parsed(directory: Path) -> Parsed:
    openmetrics = pytest.importorskip("prometheus_client.openmetrics.parser")
    families = list(openmetrics.text_string_to_metric_families(exposition(directory, "--openmetrics")))
    return {(each.name, tuple(sorted(each.labels.items()))): each for family in families for each in family.samples}


def value(metrics: Parsed, name: str, **labels: str) -> float:
    return float(metrics[name, tuple(sorted(labels.items()))].value)


def test_metrics_are_what_was_logged(run_python: Run, tmp_path: Path) -> None:
    """By labels, below the level of files, with examples, and nothing that is no number."""
    run_python(
        PROGRAM
        + """
trace = "4bf92f3577b34da6a3ce929d0e0e4736"
for number in range(10):
    logger.info("order", order=number, paid=number < 7)
logger.error("order", order=11, paid=False)
get_logger("other").info("order", order=12, paid=True)
logger.info("no order", paid=True)
with LoggingContext(trace_id=trace):
    logger.debug("request", endpoint="/a", latency_ms=250)
logger.debug("request", endpoint="/a", latency_ms=50.0, size=7)
with LoggingContext(endpoint="/b"):
    logger.debug("request", latency_ms=700, size=2.5)
for wrong in (None, True, "12", -1, [1]):
    logger.debug("request", endpoint="/a", latency_ms=wrong)
assert flush_logging(30)
counted = get_stats()["record_metrics"]
assert counted["latency_seconds"] == {"counted": 3, "ignored": 5, "folded": 0}, counted
assert counted["orders"] == {"counted": 11, "ignored": 0, "folded": 0}, counted
"""
    )
    metrics = parsed(tmp_path)
    for level, paid, count in (
        ("INFO", "true", 7),
        ("INFO", "false", 3),
        ("ERROR", "false", 1),
        ("CRITICAL", "true", 0),
    ):
        assert value(metrics, "orders_total", level=level, paid=paid) == count
    buckets = [value(metrics, "latency_seconds_bucket", endpoint="/a", le=le) for le in ("0.1", "0.5", "+Inf")]
    assert buckets == [1, 2, 2]
    assert value(metrics, "latency_seconds_sum", endpoint="/a") == pytest.approx(0.3)
    assert value(metrics, "latency_seconds_count", endpoint="/b") == 1
    assert value(metrics, "bytes_sent_total") == 9.5
    exemplar = metrics["latency_seconds_bucket", (("endpoint", "/a"), ("le", "0.5"))].exemplar
    assert (exemplar.labels, exemplar.value) == ({"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}, 0.25)
    assert abs(time.time() - float(exemplar.timestamp)) < 600
    plain = exposition(tmp_path)
    assert '# HELP orders_total Orders, "all" of them.\n# TYPE orders_total counter\n' in plain
    assert " # {" not in plain


def test_every_series_that_can_be_named_is_there_from_the_start(run_python: Run, tmp_path: Path) -> None:
    """So the first of a kind is an increase."""
    run_python(PROGRAM)
    metrics = parsed(tmp_path)
    named = [key for key in metrics if key[0] == "orders_total"]
    assert len(named) == 5 * 2 + 1
    assert {metrics[key].value for key in named} == {0}
    assert value(metrics, "bytes_sent_total") == 0


def test_more_series_than_the_bound_are_one(run_python: Run, tmp_path: Path) -> None:
    """Also over processes that come and go."""
    for process in range(3):
        run_python(
            PROGRAM
            + f"""
for number in range(5):
    logger.info("request", endpoint=f"/{{number}}/{process}", latency_ms=1)
assert flush_logging(30)
assert get_stats()["record_metrics"]["latency_seconds"] == {{"counted": 5, "ignored": 0, "folded": 2}}
"""
        )
    metrics = parsed(tmp_path)
    endpoints = {
        dict(labels)["endpoint"]: sample.value
        for (name, labels), sample in metrics.items()
        if name == "latency_seconds_count"
    }
    # The bound is that of the metric, and of each process that of the label.
    assert sum(endpoints.values()) == 15
    assert endpoints["__other__"] == 6
    assert value(metrics, "unified_logger_record_metric_records_folded_total", metric="latency_seconds") == 6


def test_series_of_processes_that_are_gone_are_bounded(run_python: Run, tmp_path: Path) -> None:
    """By the bound of the metric. Those that were there first stay."""
    program = PROGRAM.replace('"bound": 3}}', '"bound": 3}}, "bound": 3')
    for process in range(3):
        lines = (
            f'for number in range(2): logger.info("request", endpoint=f"/{{9 - {process}}}/{{number}}", latency_ms=1)\n'
        )
        run_python(program + lines + "assert flush_logging(30)\n")
    metrics = parsed(tmp_path)
    endpoints = {
        dict(labels)["endpoint"]: sample.value
        for (name, labels), sample in metrics.items()
        if name == "latency_seconds_count"
    }
    assert endpoints == {"/9/0": 1, "/9/1": 1, "/8/0": 1, "__other__": 3}


WORKER = (
    METRICS
    + """
import itertools, time
from unified_logger import get_logger, init_logging
init_logging(log_dir="logs", console_format="off", max_bytes=0, overflow="block", record_metrics=metrics)
logger = get_logger("shop")
print("logs", flush=True)
for number in itertools.count():
    logger.info("m", order=number, paid=number % 3 == 0, endpoint=f"/{number % 2}", latency_ms=number % 600)
    if number % 20 == 0:
        time.sleep(0.001)
"""
)


@pytest.mark.skipif(sys.platform == "win32", reason="no processes can be killed so")
def test_processes_that_are_killed_are_counted(run_python: Run, tmp_path: Path) -> None:
    """Equal to the lines of the files, whatever the writer was at."""
    chance = random.Random(7)
    workers = [subprocess.Popen([sys.executable, "-c", WORKER], cwd=tmp_path, stdout=subprocess.PIPE) for _ in range(3)]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    for worker in workers:
        time.sleep(chance.random() / 5)
        worker.send_signal(signal.SIGKILL)
        worker.communicate(timeout=30)
    run_python(PROGRAM + "logger.info('the end')\nassert flush_logging(30)\n")  # what is left is recovered
    text = (tmp_path / "logs" / "app.log").read_text()
    lines = [line for line in map(json.loads, text.splitlines()) if "order" in line]
    assert len(lines) > 10
    metrics = parsed(tmp_path)
    for paid in (True, False):
        of_lines = sum(line["paid"] is paid for line in lines)
        assert value(metrics, "orders_total", level="INFO", paid=str(paid).lower()) == of_lines
    for endpoint in ("/0", "/1"):
        of_lines = sum(line["endpoint"] == endpoint for line in lines)
        assert value(metrics, "latency_seconds_count", endpoint=endpoint) == of_lines


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_forked_children_count_for_themselves(run_python: Run, tmp_path: Path) -> None:
    """Nothing of the parent's twice."""
    run_python(
        PROGRAM
        + """
import os
from unified_logger import shutdown_logging
logger.info("order", order=1, paid=True)
assert flush_logging(30)
for child in range(3):
    if (pid := os.fork()) == 0:
        logger.info("order", order=2, paid=True, endpoint="/a", latency_ms=1)
        shutdown_logging(30)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
"""
    )
    metrics = parsed(tmp_path)
    assert value(metrics, "orders_total", level="INFO", paid="true") == 4
    assert value(metrics, "latency_seconds_count", endpoint="/a") == 3


def test_a_secret_is_in_no_label(run_python: Run, tmp_path: Path) -> None:
    """It is redacted as in the lines."""
    run_python(
        """
from unified_logger import LoggingContext, flush_logging, get_logger, init_logging
labels = {"who": {"field": "token", "bound": 9}, "text": {"field": "text", "bound": 9}}
metrics = {"calls": {"type": "count", "labels": labels}}
init_logging(log_dir="logs", console_format="off", redaction=True, record_metrics=metrics)
with LoggingContext(trace_id="password=hunter2"):
    get_logger("shop").info("m", token="s3cr3t-value", text="password=hunter2")
assert flush_logging(30)
"""
    )
    text = exposition(tmp_path, "--openmetrics")
    assert "calls_total{" in text
    assert "s3cr3t" not in text
    assert "hunter2" not in text


def test_a_configuration_that_changes_goes_on(run_python: Run, tmp_path: Path) -> None:
    """With other buckets, and at a start in the same process."""
    for buckets in ("[0.1, 0.5]", "[0.2, 0.5, 1]"):
        run_python(
            PROGRAM.replace("[0.1, 0.5]", buckets)
            + """
logger.info("request", endpoint="/a", latency_ms=150)
assert flush_logging(30)
init_logging(log_dir="logs", console_format="off", record_metrics=metrics)
logger.info("request", endpoint="/a", latency_ms=150)
assert flush_logging(30)
"""
        )
    metrics = parsed(tmp_path)
    counts = {le: value(metrics, "latency_seconds_bucket", endpoint="/a", le=le) for le in ("0.1", "0.2", "0.5", "1.0")}
    assert counts == {"0.1": 0, "0.2": 2, "0.5": 4, "1.0": 4}
    assert value(metrics, "latency_seconds_sum", endpoint="/a") == pytest.approx(0.6)
