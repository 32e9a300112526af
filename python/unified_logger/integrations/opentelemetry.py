"""Traces of OpenTelemetry on this library's records, and the other way round; and this library's metrics in OpenTelemetry's.

It uses only the API, so any SDK will do.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from unified_logger import _core
from unified_logger.context import make
from unified_logger.context.propagation import to_send
from unified_logger.context.trace_formats import Carried

from ._partner import need

need("opentelemetry.trace", "1.20", "opentelemetry", distribution="opentelemetry-api")

from opentelemetry import context as contexts  # noqa: E402
from opentelemetry import trace  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.metrics import MeterProvider

# `attached` recognises its own spans: they stand for this library's context, with all its fields.
_KEY = contexts.create_key("unified_logger")


def install() -> None:
    """Gives records the ids of the active span of OpenTelemetry, from now on. Harmless when repeated.

    The innermost of OpenTelemetry's spans and this library's scopes counts. A scope inside a span inherits its trace and has the span as parent.

    Raises:
        RuntimeError: This OpenTelemetry does not keep its context in the expected variable. The text says what is different.
    """
    _core.set_foreign_context(_variable(), _convert)


def uninstall() -> None:
    """Reverts `install`: only this library's scopes count."""
    _core.set_foreign_context(None)


def export_metrics(meter_provider: MeterProvider | None = None) -> None:
    """Has OpenTelemetry export what this process counts, from now on. Harmless when repeated.

    Each process exports its own counts, so that nothing counts twice if all processes of a log directory do. Metrics that come later, such as
    those of a further output, are added at the next collection.

    Args:
        meter_provider: The provider. By default it is the global one, also if that is set later.
    """
    from . import _otel_metrics

    _otel_metrics.export(meter_provider)


@contextmanager
def attached() -> Iterator[None]:
    """Makes the current span the parent of the spans that OpenTelemetry starts inside: they continue its trace.

    Nothing happens without a current trace, or if its ids are not those of W3C Trace Context.

    Yields:
        Nothing.
    """
    current = _core.current_context()
    span_context = None if current is None else _span_context(current)
    active = trace.get_current_span().get_span_context()
    if span_context is None or (span_context.trace_id, span_context.span_id) == (active.trace_id, active.span_id):
        yield
        return
    inside = trace.set_span_in_context(trace.NonRecordingSpan(span_context))
    token = contexts.attach(contexts.set_value(_KEY, (current, span_context), inside))
    try:
        yield
    finally:
        # If it is left in another thread or task, there is nothing to restore, and `contexts.detach` would log an error.
        with suppress(ValueError):
            contexts._RUNTIME_CONTEXT.detach(token)


def _convert(otel_context: Any) -> _core.Context | None:
    """A context of this library with the ids of the active span in OpenTelemetry's context; None if it has none."""
    span_context = trace.get_current_span(otel_context).get_span_context()
    if not span_context.is_valid:
        return None
    attached_context = contexts.get_value(_KEY, otel_context)
    if isinstance(attached_context, tuple) and attached_context[1] is span_context:
        return attached_context[0]  # type: ignore[no-any-return]
    return make(
        trace.format_trace_id(span_context.trace_id),
        trace.format_span_id(span_context.span_id),
        {},
        carried=Carried(int(span_context.trace_flags), span_context.trace_state.to_header()),
    )


def _span_context(current: _core.Context) -> trace.SpanContext | None:
    """The same ids as OpenTelemetry's type."""
    try:
        trace_id, span_id = int(current.trace_id or "", 16), int(current.span_id or "", 16)
    except ValueError:
        return None
    if (current.trace_id, current.span_id) != (trace.format_trace_id(trace_id), trace.format_span_id(span_id)):
        return None
    flags, state = to_send(current)
    found = trace.SpanContext(
        trace_id,
        span_id,
        is_remote=False,
        trace_flags=trace.TraceFlags(flags),
        trace_state=trace.TraceState.from_header([state] if state else []),
    )
    return found if found.is_valid else None


def _variable() -> ContextVar[Any]:
    """The variable that holds OpenTelemetry's current context, checked."""
    # Older versions make it at its first use.
    token = contexts.attach(contexts.get_current())
    contexts.detach(token)
    runtime = getattr(contexts, "_RUNTIME_CONTEXT", None)
    variable = getattr(runtime, "_current_context", None)
    kind = f"{type(runtime).__module__}.{type(runtime).__qualname__}"
    if not isinstance(variable, ContextVar):
        raise RuntimeError(
            "OpenTelemetry keeps its context elsewhere than in a context variable: opentelemetry.context._RUNTIME_CONTEXT is "
            f"{kind}, whose _current_context is {type(variable).__name__}; leave OTEL_PYTHON_CONTEXT at contextvars_context"
        )
    probe = contexts.set_value(contexts.create_key("probe"), True)
    token = contexts.attach(probe)
    try:
        held = variable.get(None)
    finally:
        contexts.detach(token)
    if held is not probe:
        raise RuntimeError(
            f"OpenTelemetry's context is not in the variable that was found, {kind}._current_context: what was attached is not there"
        )
    return variable
