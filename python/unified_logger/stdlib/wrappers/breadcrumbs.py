"""Breadcrumbs of Sentry's SDK, made of records only when somebody looks at them: mostly when an event leaves.

A scope of the SDK has a list of its breadcrumbs, a `deque`. Here it is another `deque`, which keeps the last records of the scope as bytes. As
soon as anybody reads or changes the list, they become breadcrumbs like those that the SDK makes of a `LogRecord`.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from datetime import datetime
from fnmatch import fnmatch

from ... import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# The default of the SDK.
_MOST = 100
# Keys of a line that are no field. The ids of the context are fields of a `LogRecord`.
_OWN = frozenset(_core.reserved_keys()) - {"trace_id", "span_id", "parent_span_id"}
_LEVELS = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "fatal"}


class Breadcrumbs(deque):  # type: ignore[type-arg] # not generic at run time
    """The breadcrumbs of a scope, and records that become some.

    Args:
        present: The breadcrumbs that the scope has.
        most: How many it may have.
    """

    __slots__ = ("kept", "most")

    def __init__(self, present: deque[dict[str, Any]], most: int) -> None:
        self.most = most
        self.kept = _core.KeptRecords(most)
        super().__init__(present)

    def settle(self) -> None:
        """Makes breadcrumbs of the records that were kept."""
        for number, line in self.kept.take():
            breadcrumb = _breadcrumb(number, json.loads(line))
            if not _is_ignored(breadcrumb["category"]):
                super().append(breadcrumb)
        while super().__len__() > self.most:
            super().popleft()

    def __copy__(self) -> Any:
        """A list of its own for a scope that is made from this one."""
        self.settle()
        return deque(super().__iter__())

    copy = __copy__

    def __reduce__(self) -> Any:
        return deque, (list(self),)


def _settled(name: str) -> Callable[..., Any]:
    method = getattr(deque, name)

    def settled(self: Breadcrumbs, *args: Any) -> Any:
        self.settle()
        return method(self, *args)

    settled.__name__ = name
    return settled


for _name in (
    *("__len__", "__bool__", "__iter__", "__reversed__", "__getitem__", "__setitem__", "__delitem__", "__contains__"),
    *("__add__", "__iadd__", "__mul__", "__eq__", "__ne__", "__repr__", "append", "appendleft", "clear", "count"),
    *("extend", "extendleft", "index", "insert", "pop", "popleft", "remove", "reverse", "rotate"),
):
    if hasattr(deque, _name):
        setattr(Breadcrumbs, _name, _settled(_name))


def keep() -> None:
    """Lets the core keep records for the scopes of the SDK."""
    scope: Any = sys.modules["sentry_sdk.scope"]
    _core.set_keeper(scope._isolation_scope, Breadcrumbs, _prepare)


def _prepare() -> _core.KeptRecords:
    """Gives the current scope such a list."""
    sentry: Any = sys.modules["sentry_sdk.scope"]
    scope = sentry.Scope.get_isolation_scope()
    present = scope._breadcrumbs
    if type(present) is not Breadcrumbs:
        most = sentry.Scope.get_client().options.get("max_breadcrumbs", _MOST)
        present = scope._breadcrumbs = Breadcrumbs(present, most)
    return present.kept


def _breadcrumb(number: int, record: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "log",
        "level": _LEVELS.get(number, str(record.get("level", "")).lower()),
        "category": record.get("logger"),
        "message": record.get("message"),
        "timestamp": datetime.fromisoformat(record["timestamp"]),
        "data": {name: value for name, value in record.items() if name not in _OWN},
    }


def _is_ignored(name: str) -> bool:
    logging: Any = sys.modules.get("sentry_sdk.integrations.logging")
    ignored: Any = getattr(logging, "_IGNORED_LOGGERS", None) or getattr(logging, "_IGNORED_LOGGERS_EVENTS", ())
    return any(name == pattern or fnmatch(name.strip(), pattern) for pattern in tuple(ignored))
