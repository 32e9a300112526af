"""Calls functions later, on one daemon thread that exists only while something is waited for.

Asking for a call holds no lock for long, so a signal handler may do it. A forked child continues to wait for what its parent waits
for.
"""

from __future__ import annotations

from _thread import allocate_lock, start_new_thread
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from .. import _core
from ..clocks import monotonic
from . import capabilities

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config import Settings

# How long a fork waits for the thread to end, seconds. It ends soon, but a busy machine may not run it at once.
_FORK_PATIENCE = 1.0


class Timer:
    """A future call.

    Args:
        deadline: When, by the monotonic clock, seconds.
        function: The function to call.
    """

    __slots__ = ("deadline", "function")

    def __init__(self, deadline: float, function: Callable[[], object]) -> None:
        self.deadline = deadline
        self.function: Callable[[], object] | None = function

    def cancel(self) -> None:
        """Prevents the call, unless it has begun."""
        if self.function is not None:
            self.function = None
            _inbox.put(None)


_inbox: SimpleQueue[Timer | None] = SimpleQueue()
# The thread holds it while it exists.
_there = allocate_lock()
# Used by the thread only, and by a fork once the thread has ended.
_waiting: list[Timer] = []
_rests = False


def later(seconds: float, function: Callable[[], object]) -> Timer:
    """Calls a function later.

    Args:
        seconds: How long from now.
        function: Called on a thread of this library.

    Returns:
        The timer, which can be cancelled.

    Raises:
        RuntimeError: The thread cannot be started.
    """
    timer = Timer(monotonic() + seconds, function)
    _inbox.put(timer)
    try:
        _begin()
    except RuntimeError:
        timer.cancel()
        raise
    return timer


def _begin() -> None:
    """Starts the thread unless it exists."""
    if not _rests and _there.acquire(False):
        try:
            start_new_thread(_run, ())
        except BaseException:
            _there.release()
            raise


def _run() -> None:
    while True:
        _wait()
        _call_due()
        # A request after this check finds the lock free, or the next check sees it.
        if _rests or (not _waiting and _inbox.empty()):
            _there.release()
            if _rests or _inbox.empty() or not _there.acquire(False):
                return


def _wait() -> None:
    """Waits for the next deadline, or for an earlier request."""
    try:
        if _waiting:
            new = _inbox.get(timeout=max(min(timer.deadline for timer in _waiting) - monotonic(), 0.0))
        else:
            new = _inbox.get(block=False)
        if new is not None:
            _waiting.append(new)
    except Empty:
        pass
    _waiting[:] = [timer for timer in _waiting if timer.function is not None]


def _call_due() -> None:
    now = monotonic()
    for timer in [timer for timer in _waiting if timer.deadline <= now]:
        _waiting.remove(timer)
        function, timer.function = timer.function, None
        try:
            if function is not None:
                function()
        except Exception as error:  # The other functions are called all the same.
            _core.say("timers", f"a call that was due failed: {error!r}", 40, [])


def start(settings: Settings) -> None:
    """Nothing: the thread begins with the first request."""


def stop() -> None:
    """Nothing: the thread is a daemon, and pending calls are dropped."""


def in_child() -> None:
    """Continues to wait for what the parent waits for."""
    global _inbox, _there
    inherited, _inbox, _there = _inbox, SimpleQueue(), allocate_lock()
    while not inherited.empty():
        _inbox.put(inherited.get(block=False))
    _begin_again()


def _before_fork() -> None:
    """Ends the thread: from 3.12 on Python warns of threads at a fork, and the child must not have a half-done call."""
    global _rests
    _rests = True
    _inbox.put(None)
    if _there.acquire(timeout=_FORK_PATIENCE):
        _there.release()


def _begin_again() -> None:
    global _rests
    _rests = False
    # If no thread can be started, the next request tries again.
    with suppress(RuntimeError):
        if _waiting or not _inbox.empty():
            _begin()


capabilities.before_fork.append(_before_fork)
capabilities.soon_in_parent.append(_begin_again)
capabilities.join(__name__)
