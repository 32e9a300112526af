"""Datadog's tracer, which wraps `Logger.makeRecord`: ids of its trace as attributes, which are fields of the records in the files."""

from __future__ import annotations

import sys

from . import Needs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def needs(wrapper: Any) -> Needs | None:
    """Needs every record while it adds its ids (`DD_LOGS_INJECTION`), and otherwise none.

    Args:
        wrapper: The object around `makeRecord`.

    Returns:
        What it needs; None if its settings have another form.
    """
    config: Any = getattr(sys.modules.get("ddtrace"), "config", None)
    try:
        return Needs(wrapper.__wrapped__, 0 if config._logs_injection else None, watched=_watched(config))
    except (AttributeError, KeyError):
        return None


def _watched(config: Any) -> list[object]:
    return [config, config._config, config._config["_logs_injection"]]
