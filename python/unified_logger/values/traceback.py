"""Parts of an exception that only the module `traceback` knows. The native core asks for them on the caller's thread, rarely."""

from __future__ import annotations

import traceback
from types import TracebackType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType


class _Alone(traceback.TracebackException):
    """An error without its causes and contexts: these are written elsewhere, and their texts may log. `_seen` keeps them from being read."""

    exceptions = None


def last_lines(error: BaseException) -> str:
    """The lines after the frames, for errors that have more than type and message.

    Args:
        error: The exception.

    Returns:
        Text as `traceback` prints it, caret lines and notes included.
    """
    summary = _Alone(type(error), error, error.__traceback__, limit=0, compact=True, _seen=set())
    return "".join(summary.format_exception_only())


def source(frame: FrameType, instruction: int, line: int) -> str:
    """The source of a frame whose code is in no file, or of an instruction on several lines.

    Args:
        frame: A frame of the code.
        instruction: Offset of the instruction, bytes.
        line: The line in the code, from 1.

    Returns:
        The lines as `traceback` shows them, caret lines included, without its indentation; "" if there are none.
    """
    shown = "".join(traceback.format_tb(TracebackType(None, frame, instruction, line)))
    lines = shown.split("\n")[1:]
    return "\n".join(text[4:] for text in lines).rstrip("\n")
