"""What is already there and open to other users: left as it is, but said."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator


def notices(directory: str, names: Iterable[str], dir_mode: int, file_mode: int) -> Iterator[str]:
    """Sentences on a log directory and files that others may write although the configuration does not let them.

    Args:
        directory: The log directory.
        names: The log files in it.
        dir_mode: What new directories get; others may write as far as it says so.
        file_mode: The same for files.
    """
    if not hasattr(os, "geteuid"):
        return
    found = _look(directory)
    if found is not None:
        mode, owner = stat.S_IMODE(found.st_mode), found.st_uid
        if mode & 0o022 & ~dir_mode or owner not in (0, os.geteuid()):
            yield (
                f"other users may make files in the log directory (mode {mode:04o}, user {owner}): "
                "links there are not followed"
            )
    for name in names:
        found = _look(os.path.join(directory, name))
        if found is not None and stat.S_ISREG(found.st_mode) and found.st_mode & 0o022 & ~file_mode:
            mode = stat.S_IMODE(found.st_mode)
            yield f"{name} may be written by others (mode {mode:04o}): it was there before, and its mode is left as it is"


def _look(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None
