"""What only `traceback` can tell of an exception. Asked on the caller's thread, rarely, by the native core."""

from __future__ import annotations

import re
import traceback
from types import TracebackType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

# Compiled at its first use: most programs never need it.
_CARETS = r"^[\s~^]*[~^][\s~^]*$"


class _Alone(traceback.TracebackException):
    """An error without those that it came from: they are told elsewhere, and their texts may log. With `_seen` none of them is asked."""

    exceptions = None


def last_lines(error: BaseException) -> str:
    """The lines after the frames, for errors that say more than type and message.

    Args:
        error: The exception.

    Returns:
        Text as `traceback` prints it, caret lines aside, notes included.
    """
    summary = _Alone(type(error), error, error.__traceback__, limit=0, compact=True, _seen=set())
    return _without_carets("".join(summary.format_exception_only()))


def source(frame: FrameType, instruction: int, line: int) -> str:
    """The source of a frame that is in no file of its own, or has several lines.

    Args:
        frame: A frame of the code.
        instruction: Offset of the instruction, bytes.
        line: The line in the code, from 1.

    Returns:
        The lines as `traceback` shows them, without its indentation and without caret lines; "" if there are none.
    """
    shown = "".join(traceback.format_tb(TracebackType(None, frame, instruction, line)))
    lines = _without_carets(shown).split("\n")[1:]
    return "\n".join(text[4:] for text in lines).rstrip("\n")


def _without_carets(text: str) -> str:
    return "".join(part for part in text.splitlines(keepends=True) if not re.match(_CARETS, part.rstrip("\n")))
