"""`USE_UNIFIED_LOGGING=false`: the same API, files and keys, served by plain handlers of the standard library."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import datetime, timezone
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any

from . import _core, context

if TYPE_CHECKING:
    from .config import FileSettings, Settings

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "_unified_logger_captured",
    "_unified_logger_ai",
}
RESERVED = frozenset(
    "timestamp level logger message module function line thread process trace_id span_id exception stack recovered".split()
)
# Set on a record: true once it was written; before that, the fields behind its attributes.
_CAPTURED = "_unified_logger_captured"
# Set on a record by `UnifiedLogger.ai`.
_AI = "_unified_logger_ai"
_AI_SEGMENTS = frozenset({"ai", "llm", "genai"})


class JsonFormatter(logging.Formatter):
    """One record, one line, with the keys of the native encoder."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its newline."""
        time = datetime.fromtimestamp(record.created, timezone.utc)
        line: dict[str, Any] = {
            "timestamp": time.isoformat(timespec="microseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            "module": record.module,
            "function": record.funcName,
            "line": record.lineno,
            "thread": record.threadName,
            "process": record.process,
        }
        current = context.get_trace_context()
        for name in ("trace_id", "span_id"):
            if name in current:
                line[name] = current.pop(name)
        parts = [f"{json.dumps(key)}:{_json(value)}" for key, value in line.items()]
        if record.exc_info and record.exc_info[1] is not None:
            parts.append(f'"exception":{_core.exception_json(record.exc_info[1])}')
        if record.stack_info:
            parts.append(f'"stack":{_json(record.stack_info)}')
        fields = fields_of(record)
        parts += [
            f"{_json(_key(name))}:{_core.encode_value(value)}"
            for name, value in {**{k: v for k, v in current.items() if k not in fields}, **fields}.items()
        ]
        return _core.escape_json("{" + ",".join(parts) + "}")


class TextFormatter(logging.Formatter):
    """One record for people: one line, a traceback indented below it, with the escapes of the native encoder."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines, without the last newline."""
        lines = [f"{self.formatTime(record)} {record.levelname:<8} {record.name} {_message(record)}"]
        error = record.exc_info and record.exc_info[1]
        for text in (_core.format_exception(error) if error else "", record.stack_info or ""):
            lines += [f"    {part}" for part in text.rstrip("\n").split("\n") if text]
        return "\n".join(_core.escape_text(_whole(line)) for line in lines)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # A message that does not fit its arguments is still a record.
        return f"{record.msg!s} [{error}; args: {record.args!r}]"


def _whole(text: str) -> str:
    """The text with lone surrogates written out: a file takes none."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _json(value: object) -> str:
    return json.dumps(_whole(value) if isinstance(value, str) else value, ensure_ascii=False)


def _key(name: str) -> str:
    return f"fields.{name}" if name in RESERVED else name


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a record: what it carries beyond the attributes all records have."""
    names = getattr(record, _CAPTURED, None)
    names = names if isinstance(names, dict) else {}
    found = {name: value for name, value in vars(record).items() if name not in _OWN}
    return {names.get(name, name): value for name, value in found.items() if names.get(name, name) is not None}


class _File(RotatingFileHandler):
    """A log file that counts what it was given, made with the mode the configuration says."""

    def __init__(self, settings: Settings, file: FileSettings) -> None:
        self._mode = settings.file_mode
        self._lines = 0
        self._obstructed = False
        super().__init__(
            settings.log_dir / file.name,
            maxBytes=file.max_bytes if file.backup_count else 0,
            backupCount=file.backup_count,
            encoding="utf-8",
        )
        self.kind = file.kind
        self.settings = settings
        self.setLevel(file.level)
        self.setFormatter(JsonFormatter())

    def _open(self) -> Any:
        if os.name == "posix":
            return os.fdopen(_core.open_log(self.baseFilename, self._mode), "a", encoding=self.encoding)
        return super()._open()

    def doRollover(self) -> None:  # noqa: N802 - the name is the base class's
        """Rotates; where that is impossible, goes on in the same file."""
        try:
            super().doRollover()
        except OSError as error:
            if not self._obstructed and sys.stderr is not None:
                self._obstructed = True
                text = _core.escape_text(_whole(f"unified_logger: cannot rotate {self.baseFilename}: {error}"))
                print(text, file=sys.stderr)
        else:
            self._obstructed = False
        if self.stream is None:
            self.stream = self._open()

    def filter(self, record: logging.LogRecord) -> Any:
        """Keeps records of other kinds out."""
        if self.kind == "ai" and not _is_ai(record, self.settings):
            return False
        return super().filter(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record."""
        super().emit(record)
        self._lines += 1

    @property
    def lines(self) -> int:
        """Lines written."""
        return self._lines


def _is_ai(record: logging.LogRecord, settings: Settings) -> bool:
    segments = set(record.name.split("."))
    return bool(
        segments & (_AI_SEGMENTS | set(settings.ai_loggers))
        or any(record.name == name or record.name.startswith(f"{name}.") for name in settings.ai_loggers)
        or (settings.legacy_substring and "ai" in record.name)
        or getattr(record, _AI, False)
        or any(name.startswith("gen_ai.") for name in (*fields_of(record), *context.get_trace_context()))
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
        _core.prepare_directory(str(settings.log_dir), settings.dir_mode)
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
            handler = logging.StreamHandler()
            handler.setLevel(settings.console_level)
            handler.setFormatter(TextFormatter() if console[0] == "text" else JsonFormatter())
            self._handlers.append(handler)

    def emit(self, record: logging.LogRecord, ai: bool = False) -> None:
        """Gives a record to the handlers, once."""
        if getattr(record, _CAPTURED, None) is True:
            return
        if ai:
            setattr(record, _AI, True)
        self._count += 1
        for handler in self._handlers:
            if record.levelno >= handler.level:
                handler.handle(record)
        setattr(record, _CAPTURED, True)

    def close(self) -> None:
        """Closes the files."""
        for handler in self._handlers:
            handler.close()

    def flush(self) -> bool:
        """Hands everything to the system."""
        for handler in self._handlers:
            handler.flush()
        return True

    def stats(self) -> dict[str, Any]:
        """The native counts, with what these handlers wrote."""
        stats: dict[str, Any] = _core.stats()
        for file in self._files:
            stats["files"][file.kind]["written"] += file.lines
        stats["accepted"] += self._count
        stats["written"] += self._count
        return stats
