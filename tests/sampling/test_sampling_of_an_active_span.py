"""An active span of OpenTelemetry decides for its trace, and spans that begin in our traces follow us."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from kinds import Records, Start

pytest.importorskip("opentelemetry.sdk.trace._sampling_experimental")

from opentelemetry import context as contexts
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace._sampling_experimental import composable_traceid_ratio_based, composite_sampler
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, DEFAULT_OFF, ParentBased, Sampler

from unified_logger import LoggingContext, get_logger, trace_headers
from unified_logger.context.propagation import begin
from unified_logger.context.scope import Scope
from unified_logger.integrations import opentelemetry


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    """On for each test, off after it."""
    opentelemetry.install()
    yield
    opentelemetry.uninstall()


class High(RandomIdGenerator):
    """Ids that are sampled by half of all ratios."""

    def generate_trace_id(self) -> int:
        return super().generate_trace_id() | 1 << 55


@pytest.mark.parametrize(
    ("sampler", "sampled", "found"),
    [
        (ALWAYS_OFF, False, []),
        (ALWAYS_ON, True, [("in the span", None), ("below it", None), ("a request", None)]),
        (
            composite_sampler(composable_traceid_ratio_based(0.5)),
            True,
            [("in the span", 2), ("below it", 2), ("a request", 2)],
        ),
    ],
    ids=["off", "on", "composite"],
)
def test_a_span_decides_for_its_trace(
    start: Start, records: Records, sampler: Sampler, sampled: bool, found: list[object]
) -> None:
    """Whatever our ratio is, also inside a trace of ours, and for what begins inside."""
    start(sampling={"traces": {"ratio": 0 if found else 1}})
    logger = get_logger("app")
    tracer = TracerProvider(sampler=sampler, id_generator=High()).get_tracer("tests")
    with LoggingContext(), tracer.start_as_current_span("span"):
        logger.info("in the span")
        assert (int(trace_headers()["traceparent"][-2:], 16) & 1) == sampled
        with LoggingContext(more=1):
            logger.info("below it")
            assert (int(trace_headers()["traceparent"][-2:], 16) & 1) == sampled
        scope = Scope(begin(None, {}))
        logger.info("a request")
        scope.leave()
    there = [(record["message"], record.get("sample_rate")) for record in records()]
    assert there == found


def test_a_request_in_an_attached_trace_has_its_decision(start: Start) -> None:
    """Where the trace is known by OpenTelemetry's context alone, as in a thread to which that was taken."""
    start(sampling={"traces": {"ratio": 0.25, "otel_ratio": "legacy"}})
    with LoggingContext(trace_id="1" * 16 + "0" * 15 + "1"), opentelemetry.attached():
        taken = contexts.get_current()
    start(sampling={"traces": {"ratio": 0}})
    found = []

    def work() -> None:
        contexts.attach(taken)
        found.append(begin(None, {}).sampling)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(1, None, 4)]


@pytest.mark.parametrize("ratio", [0, 1])
def test_a_span_inside_our_trace_follows_us(start: Start, records: Records, ratio: float) -> None:
    """Its sampler asks the parent, which is our trace."""
    start(sampling={"traces": {"ratio": ratio}})
    root = ALWAYS_ON if ratio == 0 else DEFAULT_OFF
    tracer = TracerProvider(sampler=ParentBased(root)).get_tracer("tests")
    with LoggingContext(), opentelemetry.attached(), tracer.start_as_current_span("span") as span:
        get_logger("app").info("m")
        context = span.get_span_context()
        assert context.trace_flags.sampled == bool(ratio)
        assert context.trace_state.get("ot") == ("th:0" if ratio else None)
    assert len(records()) == ratio
