"""Spans of the real OpenTelemetry SDK give their ids to our records, and our traces go on in its spans."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import Any

import pytest
from kinds import Records

pytest.importorskip("opentelemetry.sdk")

from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanContext, TraceFlags, TraceState

from unified_logger import LoggingContext, UnifiedLogger, _core, carry, get_logger, span, trace_headers
from unified_logger.context import clear_trace_context, get_trace_context, set_trace_context
from unified_logger.context.propagation import begin
from unified_logger.context.trace_formats import Remote
from unified_logger.integrations import opentelemetry
from unified_logger.testing import capture_logs

tracer = TracerProvider().get_tracer("tests")


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    """On for each test, off after it."""
    opentelemetry.install()
    yield
    opentelemetry.uninstall()


def ids(of: trace.Span | SpanContext) -> tuple[str, str]:
    """The ids of a span, as records have them."""
    found = of if isinstance(of, SpanContext) else of.get_span_context()
    return trace.format_trace_id(found.trace_id), trace.format_span_id(found.span_id)


def here() -> tuple[Any, Any]:
    """The ids that are current."""
    current = _core.current_context()
    return (None, None) if current is None else (current.trace_id, current.span_id)


def test_records_have_the_ids_of_the_active_span(logger: UnifiedLogger, records: Records) -> None:
    """Also of nested ones, of bound loggers, and of `logging`'s."""
    import logging

    with tracer.start_as_current_span("outer") as outer:
        logger.info("outer")
        with tracer.start_as_current_span("inner") as inner:
            logger.bind(a=1).info("inner")
            logging.getLogger("theirs").warning("inner")
        logger.info("outer")
    logger.info("after")
    *found, after = records()
    assert [(record["trace_id"], record["span_id"]) for record in found] == [
        ids(outer),
        ids(inner),
        ids(inner),
        ids(outer),
    ]
    assert "trace_id" not in after


def test_a_scope_inside_a_span_is_its_child(logger: UnifiedLogger, records: Records) -> None:
    """It inherits the trace and keeps what is carried on; the scope's fields are on the records."""
    state = TraceState([("vendor", "1")])
    remote = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)
    with trace.use_span(trace.NonRecordingSpan(remote)), LoggingContext(tenant=1):
        logger.info("in scope")
        current = _core.current_context()
        headers = trace_headers()
    assert current is not None
    assert (current.trace_id, current.parent_span_id) == ids(remote)
    assert headers == {"traceparent": f"00-{current.trace_id}-{current.span_id}-01", "tracestate": "vendor=1"}
    (record,) = records()
    assert (record["trace_id"], record["span_id"], record["tenant"]) == (current.trace_id, current.span_id, 1)


def test_the_innermost_of_both_counts() -> None:
    """Spans and scopes in turns; what was before comes back at each end."""
    with LoggingContext(trace_id="ours", a=1):
        assert here()[0] == "ours"
        with tracer.start_as_current_span("span") as outer:
            assert here() == ids(outer)
            with LoggingContext(b=2):
                inside = here()
                assert inside[0] == ids(outer)[0]
                assert inside != ids(outer)
                with tracer.start_as_current_span("inner") as inner:
                    assert here() == ids(inner)
                    assert get_trace_context() == {"trace_id": here()[0], "span_id": here()[1], "a": 1, "b": 2}
                assert here() == inside
            assert here() == ids(outer)
        assert here()[0] == "ours"
    assert here() == (None, None)


def test_our_spans_are_inside_theirs(logger: UnifiedLogger, records: Records) -> None:
    """The parent of our span is theirs."""
    with tracer.start_as_current_span("theirs") as theirs, span("ours", logger="app"):
        pass
    started, ended = records()
    assert (started["trace_id"], started["parent_span_id"]) == ids(theirs)
    assert (ended["span_id"], ended["parent_span_id"]) == (started["span_id"], ids(theirs)[1])


def test_fields_set_inside_a_span_end_with_nothing_of_it() -> None:
    """`set_trace_context` keeps the span's ids; `clear_trace_context` forgets the fields."""
    with tracer.start_as_current_span("span") as outer:
        set_trace_context(user=7)
        assert get_trace_context() == {"trace_id": ids(outer)[0], "span_id": ids(outer)[1], "user": 7}
        clear_trace_context()
        assert get_trace_context() == {"trace_id": ids(outer)[0], "span_id": ids(outer)[1]}


def test_headers_are_those_of_the_span() -> None:
    """Outgoing calls of ours continue it, with its flags."""
    unsampled = TracerProvider(sampler=ALWAYS_OFF).get_tracer("off")
    for made, sampled in ((tracer, True), (unsampled, False)):
        with made.start_as_current_span("span") as current:
            flags = current.get_span_context().trace_flags
            assert (current.is_recording(), flags.sampled) == (sampled, sampled)
            assert trace_headers() == {"traceparent": "00-{}-{}-{:02x}".format(*ids(current), flags)}


def test_a_span_that_has_ended_counts_until_it_is_left() -> None:
    """It is still what is current."""
    with tracer.start_as_current_span("span") as running:
        running.end()
        assert here() == ids(running)


def test_a_span_without_valid_ids_counts_for_nothing() -> None:
    """What the API gives without an SDK has no trace: ours stays."""
    with LoggingContext(trace_id="ours"), trace.use_span(trace.INVALID_SPAN):
        assert here()[0] == "ours"
    with trace.use_span(trace.INVALID_SPAN):
        assert here() == (None, None)


def test_a_change_of_baggage_changes_no_ids() -> None:
    """Another context of theirs with the same span is no other trace: our scope inside it stays the innermost."""
    with tracer.start_as_current_span("span") as outer:
        with LoggingContext(a=1):
            inside = here()
            token = context.attach(baggage.set_baggage("k", "v"))
            assert here() == inside
            context.detach(token)
        token = context.attach(baggage.set_baggage("k", "v"))
        assert here() == ids(outer)
        context.detach(token)
    with LoggingContext(trace_id="ours"):
        token = context.attach(baggage.set_baggage("k", "v"))
        assert here()[0] == "ours"
        context.detach(token)


def test_tasks_keep_their_spans(start: Callable[..., Any], records: Records) -> None:
    """A thousand interleaved tasks, with spans, scopes, children, generators and threads."""
    start(console_format="off", max_bytes=0, overflow_timeout=60)
    logger = get_logger("app")

    async def child(wanted: str) -> None:
        logger.info("child", wanted=wanted)

    @LoggingContext()
    async def numbers(wanted: str) -> AsyncIterator[int]:
        for number in range(2):
            logger.info("in a generator", wanted=wanted)
            yield number
            await asyncio.sleep(0)

    async def work() -> None:
        with tracer.start_as_current_span("work") as outer:
            wanted = ids(outer)[0]
            await asyncio.sleep(0)
            logger.info("in the span", wanted=wanted)
            async with LoggingContext(n=1):
                await asyncio.create_task(child(wanted))
                with tracer.start_as_current_span("inner"):
                    await asyncio.sleep(0)
                    logger.info("inner", wanted=wanted)
                    await asyncio.to_thread(logger.info, "thread", wanted=wanted)
                    await asyncio.get_running_loop().run_in_executor(pool, carry(child_of_thread), wanted)
            async for _ in numbers(wanted):
                logger.info("between its steps", wanted=wanted)

    def child_of_thread(wanted: str) -> None:
        logger.info("executor", wanted=wanted)

    async def main() -> None:
        await asyncio.gather(*(work() for _ in range(1_000)))

    with ThreadPoolExecutor(2) as pool:
        asyncio.run(main())
    found = records()
    assert len(found) == 9_000
    assert [record for record in found if record.get("trace_id") != record["wanted"]] == []


def test_threads_have_spans_of_their_own() -> None:
    """A thread has none at first; what is carried to it counts there, until it has a span of its own."""
    found: list[Any] = []

    def work() -> None:
        found.append(here())
        with tracer.start_as_current_span("own") as own:
            found.append(here() == ids(own))
        found.append(here())

    with tracer.start_as_current_span("span") as outer:
        for target in (work, carry(work)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert found == [(None, None), True, (None, None), ids(outer), True, ids(outer)]


def test_our_trace_goes_on_in_their_spans() -> None:
    """`attached` makes our scope the parent, flags and state included; after it, it is not any more."""
    parent = begin(None, {})
    with LoggingContext(trace_id=parent.trace_id, tenant=1):
        ours = here()
        with opentelemetry.attached():
            assert here() == ours
            with tracer.start_as_current_span("theirs") as theirs:
                assert ids(theirs)[0] == ours[0]
                assert theirs.parent is not None  # type: ignore[attr-defined]
                assert ids(theirs.parent) == ours  # type: ignore[attr-defined]
                assert get_trace_context() == {"trace_id": ours[0], "span_id": ids(theirs)[1], "tenant": 1}
            assert here() == ours
        assert here() == ours
        with tracer.start_as_current_span("other") as other:
            assert ids(other)[0] != ours[0]


def test_what_came_with_a_request_goes_on_in_their_spans() -> None:
    """Flags and state of the request that our trace came with are those of their spans."""
    from unified_logger.context import Scope
    from unified_logger.context.trace_formats import Carried

    scope = Scope(begin(Remote("ab" * 16, "cd" * 8, Carried(0, "vendor=1")), {}))
    ours = here()
    with opentelemetry.attached():
        span_context = trace.get_current_span().get_span_context()
        assert ids(span_context) == ours
        assert (span_context.trace_flags, span_context.trace_state.to_header()) == (0, "vendor=1")
        current = _core.current_context()
        assert current is not None
        assert current.parent_span_id == "cd" * 8
        assert trace_headers() == {"traceparent": "00-{}-{}-00".format(*ours), "tracestate": "vendor=1"}
        assert not tracer.start_span("theirs").is_recording()  # as the flag says
    scope.leave()


def test_a_request_that_they_have_begun_goes_on_from_their_span() -> None:
    """A middleware inside their instrumentation has the same trace, whatever it reads from the headers, and nothing left behind."""
    set_trace_context(trace_id="left behind", stale=1)
    with tracer.start_as_current_span("request") as outer:
        for remote in (None, Remote("ab" * 16, "cd" * 8)):
            begun = begin(remote, {"route": "/"})
            assert (begun.trace_id, begun.parent_span_id) == ids(outer)
            assert begun.fields == {"route": "/"}
    assert begin(None, {}).trace_id not in ("left behind", ids(outer)[0])


@pytest.mark.parametrize("trace_id", ["t", "AB" * 16, "0" * 32, "0x" + "a" * 30, None])
def test_a_trace_of_another_form_is_not_attached(trace_id: str | None) -> None:
    """Theirs is then a trace of its own."""
    with LoggingContext(trace_id=trace_id) if trace_id else LoggingContext(span_id="s"), opentelemetry.attached():
        assert not trace.get_current_span().get_span_context().is_valid
    with opentelemetry.attached():
        assert not trace.get_current_span().get_span_context().is_valid


def test_their_span_is_attached_already() -> None:
    """Where one of theirs is the innermost there is nothing to do, and it stays a recording one."""
    with tracer.start_as_current_span("theirs") as theirs, opentelemetry.attached():
        assert trace.get_current_span() is theirs


def test_it_can_be_taken_back(logger: UnifiedLogger, records: Records) -> None:
    """Their spans count for nothing again."""
    opentelemetry.uninstall()
    with tracer.start_as_current_span("span"):
        logger.info("m")
    assert "trace_id" not in records()[0]


def test_installing_again_changes_nothing(logger: UnifiedLogger, records: Records) -> None:
    """Also inside a span."""
    with tracer.start_as_current_span("span") as outer:
        opentelemetry.install()
        logger.info("m")
    assert records()[0]["trace_id"] == ids(outer)[0]


class Elsewhere:
    """A context that is kept in an attribute."""

    def __init__(self, variable: Any = None) -> None:
        self.value = context.Context()
        if variable is not None:
            self._current_context = variable

    def attach(self, value: Any) -> Any:
        before, self.value = self.value, value
        return before

    def get_current(self) -> Any:
        return self.value

    def detach(self, token: Any) -> None:
        self.value = token


@pytest.mark.parametrize(
    ("runtime", "complaint"),
    [
        (Elsewhere(), r"elsewhere than in a context variable.*Elsewhere.*NoneType"),
        (Elsewhere(ContextVar("other")), r"not in the variable that was found.*Elsewhere\._current_context"),
    ],
    ids=["no variable", "another variable"],
)
def test_a_context_that_is_kept_elsewhere_is_named(
    monkeypatch: pytest.MonkeyPatch, runtime: Elsewhere, complaint: str
) -> None:
    """Nothing is read that is not known; what was installed before stays as it was."""
    monkeypatch.setattr(context, "_RUNTIME_CONTEXT", runtime)
    with pytest.raises(RuntimeError, match=complaint):
        opentelemetry.install()
    monkeypatch.undo()
    with tracer.start_as_current_span("span") as outer:
        assert here() == ids(outer)


def test_a_span_that_breaks_costs_no_record(logger: UnifiedLogger, records: Records) -> None:
    """A `Span` of somebody's that raises is as none."""

    class Broken(trace.NonRecordingSpan):
        def get_span_context(self) -> SpanContext:
            raise ValueError("broken")

    with LoggingContext(trace_id="ours"):
        token = context.attach(trace.set_span_in_context(Broken(trace.INVALID_SPAN_CONTEXT)))
        logger.info("m")
        context.detach(token)
    assert records()[0]["trace_id"] == "ours"


def test_what_is_attached_may_be_left_elsewhere() -> None:
    """Nothing is said. Seen to fail (an error "Failed to detach context" with its traceback)."""

    def pieces() -> Iterator[int]:
        with LoggingContext(), opentelemetry.attached():
            yield 1
            yield 2

    steps = pieces()
    with capture_logs() as records:
        copy_context().run(next, steps)
        copy_context().run(steps.close)
    assert records == []
