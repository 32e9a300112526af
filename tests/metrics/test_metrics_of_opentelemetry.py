"""OpenTelemetry exports what each process counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kinds import Run

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from unified_logger import flush_logging, get_logger
from unified_logger.integrations import _otel_metrics, opentelemetry
from unified_logger.process import exposition

Points = dict[str, Any]


def points(reader: InMemoryMetricReader) -> Points:
    """Each metric by its name, with what was observed by attributes."""
    data = reader.get_metrics_data()
    return {
        metric.name: (
            metric,
            {tuple(sorted(point.attributes.items())): point.value for point in metric.data.data_points},
        )
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


@pytest.fixture
def reader() -> InMemoryMetricReader:
    """What a provider with our instruments exports."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    opentelemetry.export_metrics(provider)
    return reader


def test_each_metric_is_exported(reader: InMemoryMetricReader, start: Callable[..., Any]) -> None:
    """Names, units and kinds are those of OpenTelemetry, and labels are attributes."""
    start(console_format="off")
    before = points(reader)["unified_logger.records_accepted"][1][(("level", "ERROR"),)]
    get_logger("app").error("m")
    assert flush_logging(10)
    found = points(reader)
    accepted, of_levels = found["unified_logger.records_accepted"]
    assert of_levels[(("level", "ERROR"),)] == before + 1
    assert (type(accepted.data).__name__, accepted.data.is_monotonic) == ("Sum", True)
    assert accepted.description == "records that the writer has taken or that were recovered, by level"
    lag, _ = found["unified_logger.writer_lag"]
    assert (lag.unit, type(lag.data).__name__) == ("s", "Gauge")
    assert found["unified_logger.bytes_written"][0].unit == "By"
    types = dict(line.split()[2:] for line in exposition.own_text().splitlines() if line.startswith("# TYPE"))
    others = {"unified_logger_processes", "unified_logger_blocks_unreadable", "unified_logger_build_info"}
    # A histogram is a count and a sum.
    expected = sum(2 if kind == "histogram" else 1 for name, kind in types.items() if name not in others)
    assert len(found) == expected, "nothing is missing"


def test_one_collection_reads_once(
    reader: InMemoryMetricReader, start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next one reads anew, however soon it comes."""
    start(console_format="off")
    points(reader)
    reads = []
    own_text = exposition.own_text
    monkeypatch.setattr(exposition, "own_text", lambda: reads.append(1) or own_text())
    for number in range(1, 4):
        points(reader)
        assert len(reads) == number


def test_metrics_that_come_later_are_added(reader: InMemoryMetricReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """By themselves, though a provider takes no instrument while it collects; histograms as what the API has for them."""
    later = """
# TYPE unified_logger_latency_seconds histogram
unified_logger_latency_seconds_bucket{le="+Inf"} 2
unified_logger_latency_seconds_count 2
unified_logger_latency_seconds_sum 0.25
# TYPE shop_orders counter
shop_orders_total{kind="new"} 4
"""
    waiting: list[Callable[[], None]] = []
    monkeypatch.setattr(_otel_metrics.timers, "later", lambda _, function: waiting.append(function))
    own_text = exposition.own_text
    monkeypatch.setattr(exposition, "own_text", lambda: own_text() + later)
    assert "unified_logger.latency.count" not in points(reader)
    [add] = waiting
    add()
    found = points(reader)
    assert found["unified_logger.latency.count"][1] == {(): 2}
    assert (found["unified_logger.latency.sum"][1], found["unified_logger.latency.sum"][0].unit) == ({(): 0.25}, "s")
    assert found["shop_orders"][1] == {(("kind", "new"),): 4}, "names that are not the library's stay"
    assert len(waiting) == 1


def test_repeated_calls_are_harmless(start: Callable[..., Any], caplog_of: list[str]) -> None:
    """No instrument is there twice."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    for _ in range(3):
        opentelemetry.export_metrics(provider)
    assert len(points(reader)) > 20
    assert caplog_of == []


@pytest.fixture
def caplog_of() -> Any:
    """What OpenTelemetry logs."""
    import logging

    said: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    handler = Handler()
    logging.getLogger("opentelemetry").addHandler(handler)
    yield said
    logging.getLogger("opentelemetry").removeHandler(handler)


def test_processes_count_for_themselves_and_the_global_provider_may_come_later(run_python: Run) -> None:
    """What the processes of a directory export adds up to what is in the file."""
    run_python("""
import os
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from unified_logger import flush_logging, get_logger, init_logging, shutdown_logging
from unified_logger.integrations import opentelemetry

opentelemetry.export_metrics()
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
opentelemetry.export_metrics()

def written():
    found = [
        point.value
        for resource in reader.get_metrics_data().resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics if metric.name == "unified_logger.records_written"
        for point in metric.data.data_points if point.attributes == {"file": "app"}
    ]
    return found[-1]

init_logging(log_dir="logs", console_format="off")
for _ in range(3):
    get_logger("app").info("m")
assert flush_logging(10)
assert written() == 3
if hasattr(os, "fork"):
    if (pid := os.fork()) == 0:
        get_logger("app").info("m")
        assert flush_logging(10)
        os._exit(written() != 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert written() == 3
""")
