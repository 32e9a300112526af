"""Where the text of a command goes: standard output, or a pager on a terminal."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_WIDEST = 65_535


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    try:
        return os.isatty(1)
    except OSError:
        return False


def shows_colors(asked: str, terminal: bool) -> bool:
    """Whether text has colours. The first variable that says something decides, as it does for the console.

    Args:
        asked: `always`, `never`, or `auto`.
        terminal: Whether it is shown on a terminal.

    Returns:
        Whether it has them.
    """
    if asked != "auto":
        return asked == "always"
    environ = os.environ
    if environ.get("PYTHON_COLORS") in ("0", "1"):
        return environ["PYTHON_COLORS"] == "1"
    if environ.get("NO_COLOR"):
        return False
    for variable in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        if environ.get(variable):
            return environ[variable].lower() not in ("0", "false")
    if not terminal or environ.get("CLICOLOR") == "0":
        return False
    if os.name == "nt":
        return any(environ.get(name) for name in ("TERM", "WT_SESSION", "ANSICON", "ConEmuANSI", "COLORTERM"))
    return environ.get("TERM", "") not in ("dumb", "unknown") or bool(environ.get("COLORTERM"))


def columns(follows: bool) -> int | None:
    """The width of standard output, which is a terminal.

    Args:
        follows: Whether it may change meanwhile.

    Returns:
        Columns; 0 for what the terminal says at each moment, and None if nobody knows.
    """
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and 0 < int(given) <= _WIDEST:
        return int(given)
    if follows and os.name != "nt" and os.isatty(2):
        return 0
    try:
        return os.get_terminal_size(1).columns or None
    except OSError:
        return None


class Output:
    """Writes text where people or programs read it. As a context manager it waits for the pager at its end.

    Args:
        pages: Whether it goes through a pager, if there is one.
    """

    is_paged: bool
    """Whether it goes through one."""

    def __init__(self, pages: bool) -> None:
        self._to = 1
        self._pager: int | None = None
        self.is_paged = False
        if pages:
            self._start_pager()

    def _start_pager(self) -> None:
        environ = dict(os.environ)
        command = environ.get("UNIFIED_LOGGER_PAGER", environ.get("PAGER"))
        if (command is not None and command.strip() in ("", "cat")) or not hasattr(os, "posix_spawnp"):
            return
        # What it needs to show colours, and to end at once where all of it has room.
        environ.setdefault("LESS", "FRX")
        environ.setdefault("LV", "-c")
        arguments = ["less", "-FRX"] if command is None else ["sh", "-c", command]
        reading, writing = os.pipe()
        actions = [(os.POSIX_SPAWN_DUP2, reading, 0), (os.POSIX_SPAWN_CLOSE, writing)]
        try:
            self._pager = os.posix_spawnp(arguments[0], arguments, environ, file_actions=actions)
        except OSError:
            os.close(writing)
            return
        finally:
            os.close(reading)
        self._to = writing
        self.is_paged = True
        # Ctrl-C is for the pager: it stops its search, and stays.
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def write(self, text: bytes) -> None:
        """Writes all of it.

        Raises:
            BrokenPipeError: Nobody reads it any more.
        """
        view = memoryview(text)
        while view:
            view = view[os.write(self._to, view) :]

    def is_read(self) -> bool:
        """Whether somebody may still read what is written."""
        if self._pager is not None:
            if os.waitpid(self._pager, os.WNOHANG) == (0, 0):
                return True
            self._pager = None
            return False
        if os.name == "nt":
            return True
        import select

        poll = select.poll()
        poll.register(self._to, 0)
        return not any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._to != 1:
            os.close(self._to)
        if self._pager is not None:
            os.waitpid(self._pager, 0)
