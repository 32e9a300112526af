"""New Relic's agent, which wraps `Logger.callHandlers`: counts, forwarded records and decorated messages."""

from __future__ import annotations

import sys

from . import Needs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def needs(wrapper: Any) -> Needs | None:
    """Needs every record while one of its features for logs is on, and otherwise none.

    Args:
        wrapper: The object around `callHandlers`.

    Returns:
        What it needs; None if its settings have another form.
    """
    config = sys.modules.get("newrelic.core.config")
    try:
        settings: Any = config.global_settings().application_logging  # type: ignore[union-attr]
        features = (settings.metrics, settings.forwarding, settings.local_decorating)
        on = settings.enabled and any(feature.enabled for feature in features)
        return Needs(wrapper.__wrapped__, 0 if on else None, watched=[settings, *features])
    except AttributeError:
        return None
