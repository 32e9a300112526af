"""Has work done at a signal, on a thread of this library, beside whatever else handles the signal."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from . import notices, timers

if TYPE_CHECKING:
    from collections.abc import Callable

# What stands for no signal.
NONE = "none"


def _number_of(name: str) -> int | None:
    base, _, further = name.upper().partition("+")
    number: int | None = getattr(signal, base, None)
    return number if number is None or not further else number + int(further)


class _Handler:
    """Handles a signal, then calls the previous handler.

    Args:
        listener: The listener that has put it there.
        name: The name of the signal.
        number: Its number.
        previous: The previous handler.
    """

    def __init__(self, listener: Listener, name: str, number: int, previous: Any) -> None:
        self.listener = listener
        self.name = name
        self.number = number
        self.previous = previous

    def __call__(self, number: int, frame: Any) -> None:
        """Leaves the work to a thread: the interrupted code may hold locks that the work takes."""
        self.listener.ask(self)
        if callable(self.previous):
            self.previous(number, frame)


class Listener:
    """Listens to one signal at most.

    Args:
        topic: How its notices begin.
        work: Called with the name of the signal.
    """

    def __init__(self, topic: str, work: Callable[[str], object]) -> None:
        self._topic = topic
        self._work = work
        # Earlier ones may remain below handlers of others; they only pass on.
        self._handler: _Handler | None = None
        # Whether a signal came that was not answered yet.
        self._asked = False

    def listen(self, name: str) -> None:
        """Puts a handler before the present one of a signal, or removes it.

        Args:
            name: The name of the signal, or none.
        """
        number = _number_of(name)
        if self._handler is not None and self._handler.number == number:
            return
        try:
            self._change(name, number)
        except ValueError as error:  # Only the main thread may set a handler.
            if name != NONE:
                notices.report(f"{self._topic} {name.upper()} is not handled: {error}")

    def _change(self, name: str, number: int | None) -> None:
        old, self._handler = self._handler, None
        present: object = None if old is None else signal.getsignal(old.number)
        if old is not None and present is old:
            signal.signal(old.number, old.previous)
        if number is not None:
            previous = signal.getsignal(number)
            if previous is None:
                raise ValueError("it is handled by code that is not Python's")
            if isinstance(previous, _Handler) and previous.listener is self:
                # Another thread could not remove it.
                self._handler = previous
                return
            handler = _Handler(self, name.upper(), number, previous)
            signal.signal(number, handler)
            self._handler = handler
        elif name != NONE:
            raise ValueError("this system has no such signal")

    def ask(self, handler: object) -> None:
        """Has the work done, unless it is asked by a handler that was replaced.

        Args:
            handler: The handler that asks.
        """
        if handler is self._handler:
            self._asked = True
            # If no thread can be started, the next signal tries again.
            with suppress(RuntimeError):
                timers.later(0, self._answer)

    def _answer(self) -> None:
        """One answer is for all signals that came before it."""
        handler = self._handler
        if self._asked and handler is not None:
            self._asked = False
            self._work(handler.name)
