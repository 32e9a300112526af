"""OpenTelemetry's instrumentation of `logging`, which sets a record factory: ids of its trace as attributes, and a hook of the application."""

from __future__ import annotations

import sys

from . import Needs, closure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def needs(wrapper: Any) -> Needs | None:
    """Needs every record while it adds ids or calls a hook, and otherwise none.

    Args:
        wrapper: The record factory.

    Returns:
        What it needs; None for releases that always add ids, and if its settings have another form.
    """
    variables = closure(wrapper)
    kind: Any = getattr(sys.modules.get("opentelemetry.instrumentation.logging"), "LoggingInstrumentor", None)
    if "inject_context" not in variables or "old_factory" not in variables or not hasattr(kind, "_log_hook"):
        return None
    on = bool(variables["inject_context"]) or callable(kind._log_hook)
    return Needs(variables["old_factory"], 0 if on else None, classes=[kind])
