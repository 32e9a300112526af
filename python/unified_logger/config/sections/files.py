"""The log files."""

from __future__ import annotations

from ..frozen import Frozen
from ..kinds import BOOLEAN, COUNT, LEVEL, MIB, MODE, NAMES, PATH, SIZE, choice
from ..options import Section, derived, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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

    log_dir: str = option(PATH, "logs", "Directory of the log files; made if missing.", "LOG_DIR")
    max_bytes: int = option(
        SIZE,
        10 * MIB,
        "Size at which app.log and errors.log are rotated, bytes; 0 never.",
        file=("max_bytes", "rotation.app_log.max_bytes", "handlers.app_file.maxBytes"),
    )
    backup_count: int = option(
        COUNT,
        7,
        "Rotated files kept of app.log and errors.log each; 0 never rotates.",
        file=("backup_count", "rotation.app_log.backup_count", "handlers.app_file.backupCount"),
    )
    file_level: int = option(
        LEVEL, "DEBUG", "Least level in app.log.", "LOG_FILE_LEVEL", file=("file_level", "handlers.app_file.level")
    )
    enable_ai_handler: bool = option(
        BOOLEAN,
        True,
        "Whether AI records go to ai_responses.log too.",
        "LOG_ENABLE_AI_HANDLER",
        file=("enable_ai_handler", "handlers.ai_file.enabled"),
    )
    ai_max_bytes: int = option(
        SIZE,
        100 * MIB,
        "Size at which ai_responses.log is rotated, bytes; 0 never.",
        file=("ai_max_bytes", "rotation.ai_log.max_bytes", "handlers.ai_file.maxBytes"),
    )
    ai_backup_count: int = option(
        COUNT,
        30,
        "Rotated files kept of ai_responses.log; 0 never rotates.",
        file=("ai_backup_count", "rotation.ai_log.backup_count", "handlers.ai_file.backupCount"),
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
    files: tuple[FileSettings, ...] = derived()

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """What is written, and how."""
        files = [
            {
                "kind": file.kind,
                "name": file.name,
                "level": file.level,
                "max_bytes": file.max_bytes,
                "backup_count": file.backup_count,
            }
            for file in self.files
            if file.enabled
        ]
        return {
            "output": {
                "directory_mode": (self.dir_mode, self.dir_mode_given),
                "file_mode": (self.file_mode, self.file_mode_given),
                "files": files,
                "ai": {"names": self.ai_loggers, "legacy_substring": self.legacy_substring},
                "fsync": self.fsync,
            }
        }
