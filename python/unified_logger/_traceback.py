"""What only `traceback` and `linecache` can tell of an exception. Asked on the caller's thread, rarely, by the native core."""

from __future__ import annotations

import linecache
import re
import sys
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_CARETS = re.compile(r"^[ ~^]*[~^][ ~^]*$")


def last_lines(error: BaseException) -> str:
    """The lines after the frames, for errors that say more than type and message.

    Args:
        error: The exception.

    Returns:
        Text as `traceback` prints it, caret lines aside, notes included.
    """
    summary = traceback.TracebackException(type(error), error, error.__traceback__, limit=0, compact=True)
    return _without_carets("".join(summary.format_exception_only()))


def line(frame: FrameType, number: int) -> str:
    """A source line that is in no file of its own.

    Args:
        frame: A frame of the code.
        number: The line, from 1.

    Returns:
        The line without white space around it; "" if there is none.
    """
    name = frame.f_code.co_filename
    linecache.lazycache(name, frame.f_globals)
    linecache.checkcache(name)
    return linecache.getline(name, number, frame.f_globals).strip()


def statement(frame: FrameType, instruction: int) -> str:
    """The lines of a statement that has several, as `traceback` shows them from 3.13 on.

    Args:
        frame: A frame of the code.
        instruction: Offset of the instruction, bytes.

    Returns:
        The lines, without indentation in common and without caret lines.
    """
    if sys.version_info < (3, 13):
        return ""
    code = frame.f_code
    linecache.lazycache(code.co_filename, frame.f_globals)
    linecache.checkcache(code.co_filename)
    line, end_line, column, end_column = list(code.co_positions())[instruction // 2]
    if line is None:
        return ""
    summary = traceback.FrameSummary(
        code.co_filename, line, code.co_name, end_lineno=end_line, colno=column, end_colno=end_column
    )
    shown = "".join(traceback.StackSummary.from_list([summary]).format())
    lines = _without_carets(shown).split("\n")[1:]
    return "\n".join(text[4:] for text in lines).rstrip("\n")


def stack(frame: FrameType) -> str:
    """The stack above a frame, as `logging` prints it for `stack_info`.

    Args:
        frame: The innermost frame.

    Returns:
        The text, without a newline at its end.
    """
    return "Stack (most recent call last):\n" + "".join(traceback.format_stack(frame)).rstrip("\n")


def _without_carets(text: str) -> str:
    return "".join(part for part in text.splitlines(keepends=True) if not _CARETS.match(part.rstrip("\n")))
