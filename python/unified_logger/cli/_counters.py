"""What the processes of a log directory have counted."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from .. import _core

if TYPE_CHECKING:
    from collections.abc import Container

_SERIES = re.compile(r"unified_logger_([a-z_]+)(?:\{(.*)\})? ([0-9.e+]+)$")
_REASON = re.compile(r'reason="([^"]*)"')


def totals(directory: str, names: Container[str]) -> tuple[dict[str, int], dict[str, dict[str, int]], list[str]]:
    """Adds up the counts of all processes.

    Args:
        directory: The log directory.
        names: The names of the counters, without that of the library before them.

    Returns:
        The counts, those that are not 0 by their reasons, and what was noticed.

    Raises:
        OSError: They cannot be read.
    """
    text, remarks = _core.directory_metrics(os.path.realpath(directory), False)
    counts: dict[str, int] = {}
    reasons: dict[str, dict[str, int]] = {}
    for line in text.splitlines():
        match = _SERIES.fullmatch(line)
        if match is None or match[1] not in names:
            continue
        count = int(float(match[3]))
        counts[match[1]] = counts.get(match[1], 0) + count
        reason = _REASON.search(match[2] or "")
        if reason is not None and count:
            of_name = reasons.setdefault(match[1], {})
            of_name[reason[1]] = of_name.get(reason[1], 0) + count
    return counts, reasons, remarks
