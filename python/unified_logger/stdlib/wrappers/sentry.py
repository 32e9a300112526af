"""Sentry's SDK, which wraps `Logger.callHandlers`: breadcrumbs, events and logs."""

from __future__ import annotations

import sys
from collections import deque

from . import Needs, closure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WRAPPER = "LoggingIntegration.setup_once.<locals>.sentry_patched_callhandlers"
# The handlers of its integration, by the names of 2.x and 3.x.
_EVENTS = ("_handler", "_event_handler")
_BREADCRUMBS = ("_breadcrumb_handler",)
_LOGS = ("_sentry_logs_handler", "_logs_handler")
# The application's functions that may see what a client without a transport is given.
_HOOKS = ("before_send", "before_breadcrumb", "before_send_log", "error_sampler")


def needs(wrapper: Any) -> Needs | None:
    """Needs nothing while the client sends nothing, and otherwise the levels of the handlers of its integration.

    Args:
        wrapper: The function around `callHandlers`.

    Returns:
        What it needs; None if it is not the wrapper of a release that is known, or if the client is not that of `sentry_sdk.init`.
    """
    logging, scope, clients = (
        sys.modules.get(f"sentry_sdk.{name}") for name in ("integrations.logging", "scope", "client")
    )
    inner = closure(wrapper).get("old_callhandlers")
    everyones = getattr(scope, "_global_scope", None)
    client: Any = getattr(everyones, "client", None)
    if wrapper.__qualname__ != _WRAPPER or inner is None or type(client) is not getattr(clients, "_Client", None):
        return None
    options = client.options
    found = Needs(inner, None, watched=[vars(scope), client, options], slots=[(everyones, "client")])
    sends = client.transport is not None or getattr(client, "spotlight", None)
    if not sends and not any(options.get(name) for name in _HOOKS):
        return found
    kind: Any = getattr(logging, "LoggingIntegration", None)
    found.watched.append(client.integrations)
    integration = client.integrations.get("logging")
    if integration is None:
        return found
    if type(integration) is not kind:
        return None
    found.watched.append(integration)
    found.classes.append(kind)
    takers = _handlers(integration, _EVENTS)
    if _sends_logs(kind, options, found):
        takers += _handlers(integration, _LOGS)
    breadcrumbs = _handlers(integration, _BREADCRUMBS)
    found.handlers = takers + breadcrumbs
    if _can_be_made_later(logging, scope, options, breadcrumbs, found):
        from .breadcrumbs import keep

        keep()
        found.kept = min((handler.level for handler in breadcrumbs), default=None)
    else:
        takers += breadcrumbs
    found.least = min((handler.level for handler in takers), default=None)
    return found


def _can_be_made_later(logging: Any, scope: Any, options: dict[str, Any], breadcrumbs: list[Any], found: Needs) -> bool:
    """Whether nobody can tell when a breadcrumb is made of a record: no function of the application sees it, and no class of its own makes it."""
    kind = getattr(logging, "BreadcrumbHandler", None)
    if (
        kind is None
        or options.get("before_breadcrumb")
        or any(type(handler) is not kind or handler.filters for handler in breadcrumbs)
    ):
        return False
    found.classes.append(kind)
    everyones = getattr(scope, "_global_scope", None)
    return hasattr(scope, "_isolation_scope") and type(getattr(everyones, "_breadcrumbs", None)) is deque


def _handlers(integration: object, names: tuple[str, ...]) -> list[Any]:
    found = (getattr(integration, name, None) for name in names)
    return [handler for handler in found if handler is not None]


def _sends_logs(kind: Any, options: dict[str, Any], found: Needs) -> bool:
    """Whether records become logs of Sentry: by the class's own switch, which newer releases have, or by the options."""
    own = getattr(kind, "capture_sentry_logs", None)
    if own is True or own is False:
        return own
    experiments = options.get("_experiments")
    if type(experiments) is dict:
        found.watched.append(experiments)
    return bool(options.get("enable_logs") or (experiments or {}).get("enable_logs"))
