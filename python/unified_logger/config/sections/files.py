"""The log files."""

from __future__ import annotations

import os
import stat

from ... import levels
from ...errors import ConfigurationError
from ..kinds import BOOLEAN, COUNT, LEVEL, MIB, MODE, NAMES, PATH, SIZE, Kind, choice
from ..options import Frozen, Section, derived, option
from .records import BELOW_ALL, is_below_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from ..mappings import Layout
    from ..options import Given

# The file of faulthandler. Not `.log`: it is not JSON, and collectors of `*.log` would not understand it.
FAULTS = "faults.txt"


def _path_or_none(value: Any) -> str | None:
    is_none = value is None or (isinstance(value, str) and value.strip().lower() == "none")
    return None if is_none else PATH.parse(value)


DIRECTORY = Kind(
    "path or none",
    "a path, or none for no directory",
    _path_or_none,
    _path_or_none,
    {"type": ["string", "null"], "minLength": 1},
)


class FileSettings(Frozen):
    """One log file.

    Args:
        kind: 'app', 'errors' or 'ai'.
        name: Its name in the log directory.
        enabled: Whether it is written.
        level: Least level in it.
        max_bytes: Size at which it is rotated, bytes; 0 never.
        backup_count: Rotated files kept; 0 never rotates.
    """

    kind: str
    name: str
    enabled: bool
    level: int
    max_bytes: int
    backup_count: int


class Files(Section):
    """The log files."""

    log_dir: str | None = option(
        DIRECTORY,
        "logs",
        "Directory of the log files, made if missing; none (null) for no files: all records go to the console alone.",
        "LOG_DIR",
        null="none",
    )
    max_bytes: int = option(
        SIZE,
        10 * MIB,
        "Size at which app.log and errors.log are rotated, bytes; 0 never.",
        file=("max_bytes", "rotation.app_log.max_bytes", "handlers.app_file.maxBytes"),
        reported_as="files",
    )
    backup_count: int = option(
        COUNT,
        7,
        "Rotated files kept of app.log and errors.log each; 0 never rotates.",
        file=("backup_count", "rotation.app_log.backup_count", "handlers.app_file.backupCount"),
        reported_as="files",
    )
    file_level: int = option(
        LEVEL,
        "DEBUG",
        "Least level in app.log.",
        "LOG_FILE_LEVEL",
        file=("file_level", "handlers.app_file.level"),
        reported_as="files",
    )
    enable_ai_handler: bool = option(
        BOOLEAN,
        True,
        "Whether AI records go to ai_responses.log too.",
        "LOG_ENABLE_AI_HANDLER",
        file=("enable_ai_handler", "handlers.ai_file.enabled"),
        reported_as="files",
    )
    ai_max_bytes: int = option(
        SIZE,
        100 * MIB,
        "Size at which ai_responses.log is rotated, bytes; 0 never.",
        file=("ai_max_bytes", "rotation.ai_log.max_bytes", "handlers.ai_file.maxBytes"),
        reported_as="files",
    )
    ai_backup_count: int = option(
        COUNT,
        30,
        "Rotated files kept of ai_responses.log; 0 never rotates.",
        file=("ai_backup_count", "rotation.ai_log.backup_count", "handlers.ai_file.backupCount"),
        reported_as="files",
    )
    fsync: str = option(
        choice("never", "error", "always"),
        "never",
        "When a batch is synced to the device before a flush is answered: if it holds ERROR or above, or always.",
    )
    file_mode: int = option(
        MODE, 0o640, "Mode of new log files, octal. The umask narrows the default, not a mode that is given."
    )
    dir_mode: int = option(
        MODE, 0o750, "Mode of a new log directory, octal. The umask narrows the default, not a mode that is given."
    )
    ai_loggers: tuple[str, ...] = option(
        NAMES, (), "Further loggers (or segments of their names) whose records are AI records."
    )
    legacy_substring: bool = option(BOOLEAN, False, "Takes 'ai' anywhere in a logger's name for an AI logger.")
    # Whether an option gave the mode: otherwise the umask narrows it.
    file_mode_given: bool = derived()
    dir_mode_given: bool = derived()
    files: tuple[FileSettings, ...] = derived(lambda files: {"files": {file.kind: file for file in files}})

    @classmethod
    def blocks(cls) -> Layout:
        """The blocks of the previous module's layout; the console's handler is among them."""
        from ..older import HANDLER, ROTATION

        return {
            "rotation": {"app_log": ROTATION, "ai_log": ROTATION, "error_log": ROTATION},
            "handlers": {"console": HANDLER, "app_file": HANDLER, "ai_file": HANDLER, "error_file": HANDLER},
        }

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """The absolute path of the directory, and each file with its name, level and bounds."""
        values = given.values
        if given.has("file_level") and is_below_all(values["file_level"], given):
            given.add_notice(f"file_level {BELOW_ALL}")
        log_dir: str | None = None
        files: tuple[FileSettings, ...] = ()
        if values["log_dir"] is None:
            _note_what_only_files_have(given)
        else:
            log_dir, files = _directory(values["log_dir"], given.source_of("log_dir")), _files(given)
        if log_dir is not None:
            names = [file.name for file in files if file.enabled]
            for notice in (
                *_exposed_directory(log_dir, values["dir_mode"]),
                *exposed_files(log_dir, names, values["file_mode"]),
            ):
                given.add_notice(notice)
        return {
            "log_dir": log_dir,
            "files": files,
            "file_mode_given": given.has("file_mode"),
            "dir_mode_given": given.has("dir_mode"),
        }

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """The directory, and an output for each file that is written."""
        outputs = {file.kind: self._output(file) for file in self.files if file.enabled}
        return {
            "output": {
                "directory_mode": (self.dir_mode, self.dir_mode_given),
                "file_mode": (self.file_mode, self.file_mode_given),
                "fsync": self.fsync,
                "to": {
                    "outputs": outputs,
                    "ai": {"names": self.ai_loggers, "legacy_substring": self.legacy_substring},
                },
            }
        }

    def _output(self, file: FileSettings) -> dict[str, Any]:
        bounds = {"max_bytes": file.max_bytes, "backup_count": file.backup_count}
        return {
            "select": {"level": file.level} | ({"ai": True} if file.kind == "ai" else {}),
            "format": {"name": "json"},
            "to": {"file": {"name": file.name, "mode": (self.file_mode, self.file_mode_given), **bounds}},
        }


# Options that only files have.
_OF_FILES = (
    *("max_bytes", "backup_count", "file_level", "enable_ai_handler", "ai_max_bytes", "ai_backup_count"),
    *(
        "rotate",
        "file_names",
        "compress",
        "compress_level",
        "keep",
        "hold_unshipped",
        "current_link",
        "fsync",
        "file_mode",
        "dir_mode",
    ),
)


def _note_what_only_files_have(given: Given) -> None:
    """Adds a notice about options that are given and have no effect, because no file is written."""
    without_effect = [name for name in _OF_FILES if given.has(name)]
    if without_effect:
        verb = "has" if len(without_effect) == 1 else "have"
        given.add_notice(f"{', '.join(without_effect)} {verb} no effect: log_dir is none, so that no file is written")


def _files(given: Given) -> tuple[FileSettings, ...]:
    values = given.values
    bounds = _bounds_of_errors(given)
    files = (
        FileSettings(
            "app",
            _name(given, "app_file", "app.log"),
            _enabled(given, "app_file"),
            values["file_level"],
            values["max_bytes"],
            values["backup_count"],
        ),
        FileSettings(
            "errors",
            _name(given, "error_file", "errors.log"),
            _enabled(given, "error_file"),
            max(levels.parse("ERROR"), levels.parse(given.block("handlers", "error_file").get("level", "ERROR"))),
            bounds["max_bytes"],
            bounds["backup_count"],
        ),
        FileSettings(
            "ai",
            _name(given, "ai_file", "ai_responses.log"),
            values["enable_ai_handler"],
            levels.parse(given.block("handlers", "ai_file").get("level", "DEBUG")),
            values["ai_max_bytes"],
            values["ai_backup_count"],
        ),
    )
    names = [file.name for file in files if file.enabled] + ([FAULTS] if values["fault_handler"] else [])
    if len(set(names)) != len(names):
        raise ConfigurationError(
            source=given.source, key="handlers", value=names, allowed="a file name of its own for each file"
        )
    return files


def _bounds_of_errors(given: Given) -> dict[str, int]:
    """The bounds of errors.log: those of all files, unless the file has others and no source outranks it."""
    errors = dict(given.block("rotation", "error_log"))
    handler = given.block("handlers", "error_file")
    for ours, theirs in (("max_bytes", "maxBytes"), ("backup_count", "backupCount")):
        if theirs in handler:
            errors[ours] = handler[theirs]
    return {
        name: given.values[name] if given.above_file(name) or name not in errors else kind.parse(errors[name])
        for name, kind in (("max_bytes", SIZE), ("backup_count", COUNT))
    }


def _enabled(given: Given, block: str) -> bool:
    return given.block("handlers", block).get("enabled", True) is not False


def _name(given: Given, block: str, default: str) -> str:
    """The file's name. The previous module had paths there; only their last part counts, since `log_dir` gives the directory."""
    written = given.block("handlers", block).get("filename")
    if written is None:
        return default
    name = os.path.basename(str(written).rstrip("/"))
    if name in ("", ".", "..") or name.startswith("."):
        raise ConfigurationError(
            source=given.source, key=f"handlers.{block}.filename", value=written, allowed="a file name"
        )
    return name


def _directory(given: str, source: str) -> str:
    """The absolute path of the log directory, found once, because a program may change its working directory."""
    try:
        path = os.path.expanduser(given)
        if path.startswith("~"):
            raise ValueError("there is no such user")
        # An absolute path needs no working directory, which may be gone. On other systems its drive may be missing.
        here = "" if os.name == "posix" and os.path.isabs(path) else _working_directory()
        first, *parts = os.path.join(here, path).split(os.sep)
        # `..` stays: the part before it may be a link.
        path = os.sep.join([first, *(part for part in parts if part not in ("", "."))]) or os.sep
        path.encode("utf-8")
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            source=source, key="log_dir", value=given, allowed=f"a path that can be resolved ({error})"
        ) from error
    return path


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError as error:
        raise ValueError(f"it is no absolute one, and the working directory is gone: {error}") from error


def _exposed_directory(directory: str, dir_mode: int) -> Iterator[str]:
    """A sentence about a log directory that others may write although the configuration forbids it."""
    found = _stat(directory) if hasattr(os, "geteuid") else None
    if found is not None:
        mode, owner = stat.S_IMODE(found.st_mode), found.st_uid
        if mode & 0o022 & ~dir_mode or owner not in (0, os.geteuid()):
            yield (
                f"other users may make files in the log directory (mode {mode:04o}, user {owner}): "
                "links there are not followed"
            )


def exposed_files(directory: str, names: Iterable[str], file_mode: int) -> Iterator[str]:
    """Sentences about log files that others may write although the configuration forbids it.

    Args:
        directory: The log directory.
        names: The log files in it.
        file_mode: Mode of new files; others may write if it says so.
    """
    for name in names if hasattr(os, "geteuid") else ():
        found = _stat(os.path.join(directory, name))
        if found is not None and stat.S_ISREG(found.st_mode) and found.st_mode & 0o022 & ~file_mode:
            mode = stat.S_IMODE(found.st_mode)
            yield f"{name} may be written by others (mode {mode:04o}): it was there before, and its mode is left as it is"


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None
