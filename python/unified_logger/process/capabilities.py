"""Modules that run as long as logging does. Their list is the order of a start, of an exit (in reverse) and of a forked child."""

from __future__ import annotations

import atexit
import sys
from contextlib import ExitStack

# Every program has these completely from the import on: at the start there may be no descriptor left, or another root.
from .. import levels
from ..context import headers
from . import crashes, engine, exceptions, last_signal, messages, notices, processors, surroundings, uncaught, warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Protocol

    from ..config import Settings

    class Capability(Protocol):
        """Something that runs as long as logging does. Modules are capabilities."""

        def start(self, settings: Settings) -> None:
            """Applies the settings, at each start and each reconfiguration.

            Args:
                settings: The settings from now on.
            """

        def stop(self) -> None:
            """Ends when the process does."""

        def in_child(self) -> None:
            """Begins again in a forked child."""


# A text names a module of this package that only some programs import: it joins when it is imported. One of `_WANTED_BY` is imported when
# the settings have something for it.
CAPABILITIES: tuple[Capability | str, ...] = (
    levels,  # before the engine, which delivers early records at the levels that hold from now on
    engine,
    messages,
    processors,
    exceptions,
    warnings,
    headers,
    "process.sampling",
    "process.recorder",
    notices,
    surroundings,
    uncaught,
    crashes,
    last_signal,
    "process.sinks",
    "process.timers",  # before modules that have calls pending
    "process.reload",
    "process.rotation",
    "process.endpoint",
    "integrations._sentry",
)

# The settings, by the modules that they are for.
_WANTED_BY = {
    "process.sinks": "functions",
    "process.rotation": "rotation_signal",
    "process.sampling": "sampling",
    "process.recorder": "recorded",
    "process.endpoint": "metrics",
}

# Functions of joined modules, called before a fork, also when the threads of the engine have ended for it, and soon after it in the parent.
before_fork: list[Callable[[], None]] = []
when_paused: list[Callable[[], None]] = []
soon_in_parent: list[Callable[[], object]] = []
_joined: dict[str, Any] = {}


def join(name: str) -> None:
    """Adds a module from the list that has been imported. It ends before the exit hooks that the program has by then.

    Args:
        name: Its `__name__`. The module calls this as its last line, when it is complete.
    """
    module: Any = sys.modules[name]
    _joined[name.partition(".")[2]] = module
    atexit.register(module.stop)


def present() -> list[Capability]:
    """The capabilities of this program, in their order."""
    found = [_joined.get(each) if isinstance(each, str) else each for each in CAPABILITIES]
    return [capability for capability in found if capability is not None]


def start(settings: Settings) -> None:
    """Applies the settings.

    Args:
        settings: The settings from now on.
    """
    for name, wanted_by in _WANTED_BY.items():
        if name not in _joined and getattr(settings, wanted_by):
            __import__(f"{__package__.partition('.')[0]}.{name}")
    for capability in present():
        capability.start(settings)


def stop() -> None:
    """Ends the capabilities that every program has; the others end in exit hooks of their own."""
    call_all(each.stop for each in reversed(CAPABILITIES) if not isinstance(each, str))


def in_child() -> None:
    """Lets all capabilities begin again in a forked child."""
    call_all(capability.in_child for capability in present())


def call_all(functions: Iterable[Callable[[], object]]) -> None:
    """Calls functions one after the other, even if an earlier one raised.

    Args:
        functions: Functions without arguments.
    """
    with ExitStack() as stack:
        for function in reversed([*functions]):
            stack.callback(function)
