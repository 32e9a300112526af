"""A trace through two processes with this library and one with OpenTelemetry is in the records of all of them, or of none.

`SAMPLING_TRACES=10000` sends as many traces each way.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from kinds import Run

pytest.importorskip("opentelemetry.sdk.trace._sampling_experimental")

TRACES = int(os.environ.get("SAMPLING_TRACES", "1000"))
# Each service reads the headers that it is sent from one file, and writes those that it sends into another.
OURS = """
import json, sys
from pathlib import Path
from unified_logger import LoggingContext, continue_trace, flush_logging, get_logger, init_logging, trace_headers

name, ratio, chosen, came, goes = sys.argv[1:]
options = {"ratio": float(ratio), "otel_ratio": chosen}
init_logging(log_dir=name, console_format="off", log_level="DEBUG", max_bytes=0, sampling={"traces": options})
logger = get_logger("service")
sent = []
came = int(came) if came.isdigit() else json.loads(Path(came).read_text())
for request in [LoggingContext() for _ in range(came)] if isinstance(came, int) else map(continue_trace, came):
    with request:
        logger.debug("first")
        with LoggingContext(step=2):
            logger.info("second")
            sent.append(trace_headers())
        logger.warning("third")
assert flush_logging(60)
Path(goes).write_text(json.dumps(sent))
"""
THEIRS = """
import json, sys
from pathlib import Path
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace._sampling_experimental import (
    composable_parent_threshold, composable_traceid_ratio_based, composite_sampler,
)
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

name, ratio, kind, came, goes = sys.argv[1:]
ratio = float(ratio)
sampler = {
    "composite": lambda: composite_sampler(composable_parent_threshold(composable_traceid_ratio_based(ratio))),
    "parent": lambda: ParentBased(TraceIdRatioBased(ratio)),
}[kind]()
exporter = InMemorySpanExporter()
provider = TracerProvider(sampler=sampler)
provider.add_span_processor(SimpleSpanProcessor(exporter))
tracer = provider.get_tracer("service")
sent = []
for headers in [{}] * int(came) if came.isdigit() else json.loads(Path(came).read_text()):
    with tracer.start_as_current_span("request", context=extract(headers)):
        sent.append({})
        inject(sent[-1])
        with tracer.start_as_current_span("step"):
            pass
Path(goes).write_text(json.dumps(sent))
spans = [f"{span.context.trace_id:032x}" for span in exporter.get_finished_spans()]
Path(name).write_text(json.dumps(spans))
"""


def records(directory: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (directory / "app.log").read_text(encoding="utf-8").splitlines()]


def there(found: list[object], parts: int) -> set[object]:
    """The traces that are there, all of them whole."""
    counted = Counter(found)
    assert set(counted.values()) <= {parts}
    return set(counted)


@pytest.mark.parametrize("kind", ["composite", "parent"])
@pytest.mark.parametrize("ratio", [0.5, 0.1])
def test_a_trace_that_begins_here_is_whole_everywhere(run_python: Run, tmp_path: Path, kind: str, ratio: float) -> None:
    """Other ratios of the later services change nothing, and each record stands for as many."""
    run_python(OURS, "one", str(ratio), "consistent", str(TRACES), "1.json")
    run_python(THEIRS, "two", "0.3", kind, "1.json", "2.json")
    run_python(OURS, "three", "0.7", "legacy", "2.json", "3.json")
    one, three = records(tmp_path / "one"), records(tmp_path / "three")
    first = there([record["trace_id"] for record in one], 3)
    assert first == there(json.loads((tmp_path / "two").read_text()), 2)
    assert first == there([record["trace_id"] for record in three], 3)
    assert {record["sample_rate"] for record in one} == {1 / ratio}
    # The composite sampler of the SDK is not shown the state of a parent, and sends none on.
    assert {record.get("sample_rate") for record in three} == {1 / ratio if kind == "parent" else None}
    # Five standard deviations.
    assert abs(len(first) - TRACES * ratio) < 5 * (TRACES * ratio * (1 - ratio)) ** 0.5


@pytest.mark.parametrize(("kind", "chosen"), [("composite", "consistent"), ("parent", "legacy")])
def test_a_trace_that_begins_elsewhere_is_whole_here(run_python: Run, tmp_path: Path, kind: str, chosen: str) -> None:
    """Whichever sampler has decided. Its ratio is known of the one that tells it."""
    run_python(THEIRS, "one", "0.25", kind, str(TRACES), "1.json")
    run_python(OURS, "two", "0.7", chosen, "1.json", "2.json")
    run_python(OURS, "three", "0", "consistent", "2.json", "3.json")
    first = there(json.loads((tmp_path / "one").read_text()), 2)
    for name in ("two", "three"):
        found = records(tmp_path / name)
        assert first == there([record["trace_id"] for record in found], 3)
        assert {record.get("sample_rate") for record in found} == {4 if kind == "composite" else None}


def test_services_with_the_same_ratio_agree_without_a_word(run_python: Run, tmp_path: Path) -> None:
    """An id alone goes from one to the other, as in a header of its own. Of a smaller ratio everything is there at the larger."""
    run_python(OURS, "one", "0.5", "consistent", str(TRACES), "1.json")
    ids = [
        {"traceparent": headers["traceparent"][:-2] + "01"} for headers in json.loads((tmp_path / "1.json").read_text())
    ]
    alone = f"""
import json, sys
from unified_logger import LoggingContext, flush_logging, get_logger, init_logging
init_logging(log_dir=sys.argv[1], console_format="off", max_bytes=0, sampling={{"traces": {{"ratio": float(sys.argv[2])}}}})
for headers in {ids!r}:
    with LoggingContext(trace_id=headers["traceparent"].split("-")[1]):
        get_logger("service").info("m")
assert flush_logging(60)
"""
    found = {}
    for name, ratio in (("same", "0.5"), ("smaller", "0.2")):
        run_python(alone, name, ratio)
        found[name] = {record["trace_id"] for record in records(tmp_path / name)}
    assert found["same"] == {record["trace_id"] for record in records(tmp_path / "one")}
    assert found["smaller"] < found["same"]
