"""`USE_UNIFIED_LOGGING=false`: the same API, files and keys, served by plain handlers of the standard library."""

from __future__ import annotations

import logging
import os
import sys

from . import _core
from .formatters import JSONFormatter, TextFormatter, context_of, fields_of, whole
from .stdlib import AI, CAPTURED, MARK, is_captured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .config import FileSettings, Settings

_AI_SEGMENTS = frozenset({"ai", "llm", "genai"})


class _File(logging.FileHandler):
    """A log file that counts what it was given, made with the mode the configuration says.

    It rotates by itself: `logging.handlers` brings so many modules that importing it takes longer than all that is here.
    """

    def __init__(self, settings: Settings, file: FileSettings) -> None:
        self._mode = settings.file_mode, settings.file_mode_given
        self._lines = 0
        self._obstructed = False
        self._most = file.max_bytes if file.backup_count else 0
        self._kept = file.backup_count
        super().__init__(os.path.join(settings.log_dir, file.name), encoding="utf-8")
        self.kind = file.kind
        self.settings = settings
        self.setLevel(file.level)
        self.setFormatter(JSONFormatter(redaction=settings.redaction))

    def _open(self, before: int | None = None) -> Any:
        if os.name == "posix":
            return os.fdopen(_core.open_log(self.baseFilename, self._mode, before), "a", encoding=self.encoding)
        return super()._open()

    def _rotate_before(self, line: str) -> None:
        """Rotates where the file has no room for a line; where that is impossible, goes on in the same file."""
        if not self._most or self.stream is None:
            return
        size = os.fstat(self.stream.fileno()).st_size
        if not size or size + len(line.encode()) < self._most:
            return
        old, self.stream = self.stream, None
        if os.name != "posix":  # Files that are open are not renamed there.
            old.close()
        name = self.baseFilename
        try:
            for number in range(self._kept - 1, 0, -1):
                if os.path.exists(f"{name}.{number}"):
                    os.replace(f"{name}.{number}", f"{name}.{number + 1}")
            os.replace(name, f"{name}.1")
        except OSError as error:
            if not self._obstructed and sys.stderr is not None:
                self._obstructed = True
                text = _core.escape_text(whole(f"unified_logger: cannot rotate {name}: {error}"))
                print(text, file=sys.stderr)
        else:
            self._obstructed = False
        try:
            # Another user's processes may write here too, and then to the new one.
            self.stream = self._open(None if old.closed else old.fileno())
        finally:
            old.close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is the base class's
        """Tells standard error, which is not to see the record either where there is redaction."""
        _handle_error(super().handleError, self.settings.redaction, record)

    def filter(self, record: logging.LogRecord) -> Any:
        """Keeps records of other kinds out."""
        if self.kind == "ai" and not _is_ai(record, self.settings):
            return False
        return super().filter(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record."""
        try:
            line = f"{self.format(record)}\n"
            self._rotate_before(line)
            if self.stream is None:
                self.stream = self._open()
            self.stream.write(line)
            self.flush()
        except RecursionError:  # As in `logging`: telling of it would need more of the stack.
            raise
        except Exception:
            self.handleError(record)
        self._lines += 1

    @property
    def lines(self) -> int:
        """Lines written."""
        return self._lines


class _Console(logging.StreamHandler):  # type: ignore[type-arg] # not generic at run time
    """The console.

    Args:
        redaction: What must not be on it.
    """

    def __init__(self, redaction: _core.Redaction | None) -> None:
        super().__init__()
        self._redaction = redaction

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is the base class's
        """Tells standard error, which is not to see the record either where there is redaction."""
        _handle_error(super().handleError, self._redaction, record)


def _handle_error(
    stock: Callable[[logging.LogRecord], None], redaction: _core.Redaction | None, record: logging.LogRecord
) -> None:
    if redaction is None:
        stock(record)
        return
    # What is at hand is the record as it was given.
    error = sys.exc_info()[1]
    if logging.raiseExceptions and sys.stderr is not None:
        text = redaction.text(whole(f"unified_logger: a record is not written: {error!r}"))
        print(_core.escape_text(text), file=sys.stderr)


def _is_ai(record: logging.LogRecord, settings: Settings) -> bool:
    segments = set(record.name.split("."))
    return bool(
        segments & (_AI_SEGMENTS | set(settings.ai_loggers))
        or any(record.name == name or record.name.startswith(f"{name}.") for name in settings.ai_loggers)
        or (settings.legacy_substring and "ai" in record.name)
        or getattr(record, AI, False)
        or any(name.startswith("gen_ai.") for name in (*fields_of(record), *context_of(record)))
    )


class PlainOutput:
    """The handlers of this mode.

    Args:
        settings: The resolved configuration.
        console: Format ('text' or 'json') and whether to colour it.

    Raises:
        OSError: The directory or a file cannot be written.
    """

    def __init__(self, settings: Settings, console: tuple[str, bool]) -> None:
        _core.prepare_directory(str(settings.log_dir), (settings.dir_mode, settings.dir_mode_given))
        self._count = 0
        self._files: list[_File] = []
        try:
            for file in settings.files:
                if file.enabled:
                    self._files.append(_File(settings, file))
        except BaseException:
            for opened in self._files:
                opened.close()
            raise
        self._handlers: list[logging.Handler] = list(self._files)
        if settings.console_format != "off":
            handler = _Console(settings.redaction)
            handler.setLevel(settings.console_level)
            formatter = TextFormatter if console[0] == "text" else JSONFormatter
            handler.setFormatter(formatter(redaction=settings.redaction))
            self._handlers.append(handler)

    def emit(self, record: logging.LogRecord, ai: bool = False) -> None:
        """Gives a record to the handlers, once."""
        if is_captured(record):
            return
        if ai:
            setattr(record, AI, True)
        self._count += 1
        for handler in self._handlers:
            if record.levelno >= handler.level:
                handler.handle(record)
        setattr(record, MARK, CAPTURED)

    def close(self) -> None:
        """Closes the files."""
        for handler in self._handlers:
            handler.close()

    def flush(self) -> bool:
        """Hands everything to the system.

        Returns:
            Whether the files took it. A console that was closed under its handler has nothing to take.
        """
        done = True
        for handler in self._handlers:
            try:
                handler.flush()
            except (OSError, ValueError):
                done &= handler not in self._files
        return done

    def stats(self) -> dict[str, Any]:
        """The native counts, with what these handlers wrote."""
        stats: dict[str, Any] = _core.stats()
        for file in self._files:
            stats["files"][file.kind]["written"] += file.lines
        stats["accepted"] += self._count
        stats["written"] += self._count
        return stats
