"""The handlers of the mode without the engine for files, which rotate by themselves."""

from __future__ import annotations

import errno
import logging
import os
import stat
import sys
from collections import deque
from contextlib import suppress

from .. import _core
from ..clocks import monotonic
from ..texts import whole
from .formatters import JSONFormatter, context_of, fields_of
from .marks import mark_of
from .reading import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..config import FileSettings, Settings

# Bytes of lines that wait for a file that takes none, as with the engine.
_WAITING = 8 << 20
# How long after a failed rotation the next one is tried, seconds.
_PAUSE = 1.0
# How long the same kind of failure of a file is not reported again, seconds.
_INTERVAL = 10.0
# Errors after which a file is opened again.
_FOR_GOOD = frozenset({errno.EBADF, errno.EIO, getattr(errno, "ESTALE", errno.EIO)})
_AI_SEGMENTS = frozenset({"ai", "llm", "genai"})


class Reporting(logging.Handler):
    """Counts its failures, and reports each kind of them once per interval."""

    redaction: _core.Redaction | None
    counts: dict[str, int]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # When each kind of failure was reported last, and how many since then were not.
        self._reported: dict[str, tuple[float, int]] = {}

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is the base class's
        """Reports a record without a line to standard error; without its values if there is redaction."""
        if self._count_failure("make a line") is not None:
            _handle_error(super().handleError, self.redaction, record)

    def report(self, action: str, name: str, reason: object) -> None:
        """Reports what failed and why, unless that was reported within the interval.

        Args:
            action: What failed.
            name: Of what.
            reason: Why.
        """
        silent = self._count_failure(action)
        if silent is not None:
            again = f" ({silent} more since last told)" if silent else ""
            _print(f"unified_logger: cannot {action} {name}: {reason}{again}")

    def _count_failure(self, action: str) -> int | None:
        """Counts a failure. Returns how many before it were not reported, if this one is to be."""
        self.counts["errors"] += 1
        now = monotonic()
        last, silent = self._reported.get(action, (float("-inf"), 0))
        if now - last < _INTERVAL:
            self._reported[action] = last, silent + 1
            return None
        self._reported[action] = now, 0
        return silent


class File(Reporting):
    """A log file that counts its lines, made with the configured mode.

    It rotates by itself, because `logging.handlers` imports so many modules that they take longer than this whole package. Lines that the
    file does not take wait, and are written before later ones. It has no buffer of its own, so it is known exactly which part of a line is
    in the file.
    """

    def __init__(self, directory: str, settings: Settings, file: FileSettings) -> None:
        super().__init__(file.level)
        self.kind = file.kind
        self.settings, self.redaction = settings, settings.redaction
        self.counts = dict.fromkeys(("written", "bytes", "rotations", "errors"), 0)
        self._path = os.path.abspath(os.path.join(directory, file.name))
        self._most = file.max_bytes if file.backup_count else 0
        self._kept = file.backup_count
        # When a failed rotation is tried again.
        self._due = 0.0
        self._has_told_link = False
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        # Bytes of the first line that are in the file.
        self._landed = 0
        self._process, self._writing = os.getpid(), False
        self.setFormatter(JSONFormatter(redaction=settings.redaction))
        self._file: int | None = self._open()

    def _open(self, before: int | None = None) -> int:
        mode = self.settings.file_mode, self.settings.file_mode_given
        if os.name == "posix":
            return _core.open_log(self._path, mode, before)
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0))

    def filter(self, record: logging.LogRecord) -> Any:
        """Keeps records of other kinds out."""
        if self.kind == "ai" and not _is_ai(record, self.settings):
            return False
        return super().filter(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record."""
        self._put(record)

    def write(self, record: logging.LogRecord) -> bool:
        """Writes the record, unless it is of another kind.

        Returns:
            False if it is lost.
        """
        if not self.filter(record):
            return True
        self.acquire()
        try:
            return self._put(record)
        finally:
            self.release()

    def _put(self, record: logging.LogRecord) -> bool:
        try:
            line = f"{self.format(record)}\n".encode()
        except RecursionError:  # As in `logging`: reporting it would need more of the stack.
            raise
        except Exception:
            self.handleError(record)
            return False
        self._begin_in_child()
        if self._waiting_bytes + len(line) > _WAITING and self._waiting:
            self._write()
            if self._waiting_bytes + len(line) > _WAITING and self._waiting:
                self._report("hold more records for", f"{self._waiting_bytes} bytes wait; records are lost")
                return False
        self._waiting.append(line)
        self._waiting_bytes += len(line)
        self._write()
        return True

    def _begin_in_child(self) -> None:
        """Forgets the lines of a parent process: the parent writes what waits, and the line that it was writing."""
        if self._process != os.getpid():
            self._process, self._writing = os.getpid(), False
            self._waiting.clear()
            self._waiting_bytes = self._landed = 0

    def _write(self) -> None:
        """Writes the lines that wait, until the file takes no more."""
        # A signal handler does nothing here: the code that it interrupted continues with this line.
        while self._waiting and not self._writing:
            self._writing = True
            try:
                while self._waiting:
                    if self._file is None:
                        self._file = self._open()
                    if not self._landed:
                        self._make_room(len(self._waiting[0]))
                    self._write_first(self._file)
            except OSError as error:
                self._report("write", error)
                if error.errno in _FOR_GOOD and self._file is not None:
                    if error.errno != errno.EBADF:  # With EBADF the number is closed already.
                        _close(self._file)
                    self._file = None
                return
            finally:
                self._writing = False

    def _write_first(self, file: int) -> None:
        # Taken off the waiting lines, so that it is not written twice after a Ctrl-C.
        line = self._waiting.popleft()
        self._waiting_bytes -= len(line)
        try:
            while self._landed < len(line):
                taken = os.write(file, line[self._landed :])
                if not taken:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path)
                self._landed += taken
        except OSError:
            self._cut_off(file, line)
            self._waiting.appendleft(line)
            self._waiting_bytes += len(line)
            raise
        except BaseException:
            self._landed = 0
            raise
        self._landed = 0
        self.counts["written"] += 1
        self.counts["bytes"] += len(line)

    def _cut_off(self, file: int, line: bytes) -> None:
        """Cuts off the part of a line that a failed write left, unless other code has written after it. If that fails, its rest follows."""
        if not self._landed or not hasattr(os, "pread"):
            return
        with suppress(OSError):
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                return
            begin = found.st_size - self._landed
            if begin >= 0 and os.pread(file, self._landed, begin) == line[: self._landed]:
                os.ftruncate(file, begin)
            self._landed = 0

    def _make_room(self, length: int) -> None:
        """Rotates if the file has no room for a line. If that fails, continues in the same file."""
        if not self._most or self._file is None:
            return
        found = os.fstat(self._file)
        # A device, to which a link may lead, has no size and is not rotated.
        if not stat.S_ISREG(found.st_mode) or not found.st_size or found.st_size + length < self._most:
            return
        now = monotonic()
        if now < self._due:
            return
        if self._is_link():
            self._due = now + _PAUSE
            return
        try:
            self._rotate(found)
        except OSError as error:
            self._due = now + _PAUSE
            self._report("rotate", error)
            if self._file is None:
                self._file = self._open()

    def _is_link(self) -> bool:
        """Whether the path is a link, which is never renamed: somebody wants the records where it leads. It is told once."""
        is_link = os.path.islink(self._path)
        if is_link and not self._has_told_link:
            self._has_told_link = True
            self._report("rotate", "it is a link: the file to which it leads is never changed for a new one, and grows")
        return is_link

    def rotate(self) -> bool:
        """Changes the file for a new one, unless it is a link, nothing stands in it, or no rotated file may stay.

        Returns:
            False if that is not possible.
        """
        self.acquire()
        try:
            self._begin_in_child()
            self._write()
            if self._waiting or self._writing:
                return False
            return not self._kept or self._is_link() or self._change()
        finally:
            self.release()

    def _change(self) -> bool:
        try:
            # Where another process has rotated, the file that is there now is opened first, and rotated then.
            for _ in range(2):
                if self._file is None:
                    self._file = self._open()
                found = os.fstat(self._file)
                is_there = not _is_missing(self._path) and os.path.samestat(os.stat(self._path), found)
                if not stat.S_ISREG(found.st_mode) or (is_there and not found.st_size):
                    break
                self._rotate(found)
                if is_there:
                    break
        except OSError as error:
            self._report("rotate", error)
            return False
        return True

    def _rotate(self, found: os.stat_result) -> None:
        old, name = self._file, self._path
        # Another process may have rotated already, or the file was removed: then the path only has to be opened.
        is_own = not _is_missing(name) and os.path.samestat(os.stat(name), found)
        if os.name != "posix" and old is not None:  # Windows does not rename open files.
            self._file = None
            _close(old)
            old = None
        if is_own:
            self._rename()
        try:
            self._file = self._open(old)
        except OSError:
            if is_own:
                self._rename_back()
            raise
        if old is not None:
            _close(old)
        self.counts["rotations"] += is_own

    def _rename(self) -> None:
        # Up to the first free number, so that a rotation that is tried again and again deletes no file.
        last = next((number for number in range(1, self._kept) if _is_missing(f"{self._path}.{number}")), self._kept)
        for number in range(last, 0, -1):
            with suppress(FileNotFoundError):
                os.replace(f"{self._path}.{number - 1}" if number > 1 else self._path, f"{self._path}.{number}")

    def _rename_back(self) -> None:
        """Gives the old file its name back, since there is no new file."""
        with suppress(OSError):
            if _is_missing(self._path):
                os.rename(f"{self._path}.1", self._path)

    def _report(self, action: str, reason: object) -> None:
        self.report(action, self._path, reason)

    def flush(self) -> None:
        """Writes the lines that wait.

        Raises:
            OSError: The file takes no more.
        """
        self.acquire()
        try:
            self._begin_in_child()
            self._write()
            if self._waiting:
                raise OSError(f"{len(self._waiting)} records wait for {self._path}")
        finally:
            self.release()

    def close(self) -> None:
        """Writes the lines that wait, and closes the file. A later record opens it again."""
        self.acquire()
        try:
            self._begin_in_child()
            self._write()
            if self._waiting and not self._writing:
                self._report("write all to", f"{len(self._waiting)} records are lost")
                self._waiting.clear()
                self._waiting_bytes = self._landed = 0
            if self._file is not None and not self._writing:
                _close(self._file)
                self._file = None
        finally:
            self.release()
        super().close()


def _close(file: int) -> None:
    with suppress(OSError):  # A write reports it, or nothing is lost.
        os.close(file)


def _print(text: str) -> None:
    """Prints a line on standard error, if there is one."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            print(_core.escape_text(whole(text)), file=sys.stderr)


def _is_missing(path: str) -> bool:
    """Whether nothing is there, not even a broken link. A path that cannot be checked may exist."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass
    return False


def _handle_error(
    stock: Callable[[logging.LogRecord], None], redaction: _core.Redaction | None, record: logging.LogRecord
) -> None:
    if redaction is None:
        with suppress(ValueError):  # Standard error is closed.
            stock(record)
        return
    # The record at hand is not redacted.
    error = sys.exc_info()[1]
    if logging.raiseExceptions:
        _print(redaction.text(whole(f"unified_logger: a record is not written: {error!r}")))


def _is_ai(record: logging.LogRecord, settings: Settings) -> bool:
    name = text_of(vars(record).get("name"))
    segments = set(name.split("."))
    return bool(
        segments & (_AI_SEGMENTS | set(settings.ai_loggers))
        or any(name == known or name.startswith(f"{known}.") for known in settings.ai_loggers)
        or (settings.legacy_substring and "ai" in name)
        or getattr(mark_of(record), "ai", False)
        or any(field.startswith("gen_ai.") for field in (*fields_of(record), *context_of(record)))
    )
