"""Remembers in which context an exception was raised, for whoever reports it when that context is gone.

Python reports an exception that nobody has caught at the end of the program, the thread or the task. By then the exception has left all
contexts. Builtin exceptions take no weak references, and a reference to an exception would keep all values of its frames alive. So an entry
has no reference to the exception: it has the place in the traceback where the exception left the context, and is checked by that.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress

from .. import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    _Place = tuple[int, int, int]

# Whether anybody reports uncaught exceptions. Nothing is remembered otherwise.
is_on = False
# By the ids of exceptions: where they have left a context, and what is remembered of it. The newest is last.
_left: OrderedDict[int, tuple[_Place, _core.Context]] = OrderedDict()
# Most exceptions are caught, and their entries go for others.
_MOST = 64


def turn_on() -> None:
    """Remembers from now on. Harmless when repeated."""
    global is_on
    is_on = True


def turn_off() -> None:
    """Remembers nothing from now on, and forgets what was remembered."""
    global is_on
    is_on = False
    _left.clear()


def note(error: BaseException, context: _core.Context) -> None:
    """Notes that an exception leaves a context, in the code that its traceback begins with.

    Args:
        error: The exception.
        context: The context. If the exception has left one of the same trace inside of it, that stays.
    """
    # The exception goes on as it would without this, also where there is no memory.
    with suppress(Exception):
        _note(error, context)


def _note(error: BaseException, context: _core.Context) -> None:
    traceback = error.__traceback__
    if traceback is None:
        return
    inner = of(error)
    if inner is not None and inner.trace_id == context.trace_id:
        return
    # At the end, also if the exception was noted before.
    _left.pop(id(error), None)
    _left[id(error)] = (_place(traceback), _core.remember_context(context))
    if len(_left) > _MOST:
        _left.popitem(last=False)


def of(error: BaseException | None) -> _core.Context | None:
    """What is remembered of the context that an exception has left.

    Args:
        error: The exception.

    Returns:
        A context for `recall_context`; None if nothing is remembered.
    """
    found = _left.get(id(error))
    if found is None or error is None:
        return None
    # Another exception may have the same id by now. It was noted, too, if it has gone through the same code inside of a context.
    place, remembered = found
    traceback = error.__traceback__
    while traceback is not None:
        if _place(traceback) == place:
            return remembered
        traceback = traceback.tb_next
    return None


def _place(traceback: TracebackType) -> _Place:
    """The frame, its code and its instruction, without keeping them alive."""
    frame = traceback.tb_frame
    return id(frame), id(frame.f_code), traceback.tb_lasti
