"""Hooks for the end of the process and for forks."""

from __future__ import annotations

import atexit
import os
import sys
from functools import partial

from .. import _core, context
from . import capabilities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _at_exit(_end: object = None) -> None:
    capabilities.stop()


def _watch_for_the_end() -> None:
    """Registers the exit hook, with an object that shows that all hooks have run: no other reference to it may exist."""
    atexit.register(_at_exit, _core.End(_watch_for_the_end))


def _before_fork() -> None:
    capabilities.call_all(
        [*reversed(capabilities.before_fork), _before_fork_of_engine, *reversed(capabilities.when_paused)]
    )


def _before_fork_of_engine() -> None:
    _flush_when_multiprocessing_ends()
    _core.before_fork()


_watching_multiprocessing = False


def _flush_when_multiprocessing_ends() -> None:
    """Flushes at the end of children of `multiprocessing`, which have no exit hooks, but finalizers of that module."""
    global _watching_multiprocessing
    util, process = sys.modules.get("multiprocessing.util"), sys.modules.get("multiprocessing.process")
    if util is None or process is None or _watching_multiprocessing:
        return
    _watching_multiprocessing = True

    def finalize(at_exit: Callable[[], None]) -> None:
        util.Finalize(None, at_exit, exitpriority=-100)

    def begin(at_exit: Callable[[], None]) -> None:
        finalize(at_exit)
        target = getattr(process.current_process(), "_target", None)
        if getattr(target, "__module__", None) in ("concurrent.futures.process", "multiprocessing.pool"):
            # A pool's process works for all callers, not for the request in which it happened to be forked.
            context.forget()

    # A child first forgets inherited finalizers, then runs these hooks. A child that runs already needs its own finalizer now.
    util.register_after_fork(_at_exit, begin)
    if process.parent_process() is not None:
        finalize(_at_exit)


_watch_for_the_end()
_flush_when_multiprocessing_ends()  # the server of `forkserver` forks children that have not imported this yet
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        # Not a Python function: with one, calls for soon after the fork would run at its beginning, during the fork.
        after_in_parent=partial(_core.after_fork_in_parent, capabilities.soon_in_parent),
        after_in_child=capabilities.in_child,
    )
