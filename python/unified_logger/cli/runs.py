"""`unified-logger runs [DIR]`: the processes that logged in a directory, when, how much, and how each ended."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .. import _core
from . import COMMANDS, _arguments, _questions, _table

if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

_SHOWN = 20
_RECORDS = "where process exists | count, min time as first, max time as last by process"
# What a recovery says of each process whose box it has read.
_RECOVERIES = "logger=unified_logger and function=recovery and pid exists | sum of records as records, sum of damaged as damaged by pid"
_COLUMNS = ("process", "first", "last", "records", "end", "recovered", "lost")


def main(arguments: list[str]) -> int:
    """Lists processes.

    Args:
        arguments: Those behind the name of the command.

    Returns:
        0 if there are some, 1 if no record tells its process, 2 if the arguments are wrong or the files cannot be read.
    """
    parser = _questions.parser("runs", COMMANDS["runs"])
    _questions.add_directory(parser)
    _questions.add_lines(parser, "last processes", _SHOWN)
    parser.add_argument("--utc", action="store_true", help="times in UTC, not in the zone of the system")
    parser.add_argument("--json", action="store_true", help="print an object of JSON for each process")
    given = _questions.parsed(parser, arguments)
    try:
        most = _questions.most(given.lines)
        found, remarks = _gathered(given)
    except (_questions.RefusedError, OSError) as error:
        print(f"unified-logger runs: {error}", file=sys.stderr)
        return 2
    shown = found if most is None else found[max(0, len(found) - most) :]
    if given.json:
        sys.stdout.write(_table.json_lines(_COLUMNS, shown))
    elif shown:
        sys.stdout.write(_table.for_output(_COLUMNS, shown, is_utc=given.utc))
    sys.stdout.flush()
    if not found:
        remarks.append("no record tells its process")
    for remark in remarks:
        print(f"unified-logger runs: {remark}", file=sys.stderr)
    return _questions.status(bool(found), given)


def _gathered(given: Namespace) -> tuple[list[list[Any]], list[str]]:
    """A row for each process, in the order of their first records, and what was noticed.

    Raises:
        RefusedError: The files cannot be read.
        OSError: The same.
    """
    directory = given.directory or _arguments.log_directory()
    _questions.choose_all(given, directory)
    rows, remarks = _questions.rows(_RECORDS, given)
    recoveries, _ = _questions.rows(_RECOVERIES, given)
    recovered = {process: (records or 0, damaged or 0) for process, records, damaged in recoveries}
    boxes, _ = _core.black_boxes(os.path.realpath(directory))
    left = {box["process"]: box for box in boxes}
    runs = [
        [process, first, last, count, *_end(left.get(process), recovered.get(process))]
        for process, count, first, last in rows
    ]
    runs.sort(key=lambda run: (run[1] is not None, run[1], run[0]))
    return runs, remarks


def _end(box: dict[str, Any] | None, recovery: tuple[int, int] | None) -> tuple[str, int | None, int | None]:
    """How a process ended, how many of its records were recovered, and how many were lost; None where nobody knows."""
    records, damaged = recovery if recovery is not None else (None, None)
    if box is not None and box["owner"] == "alive":
        return "running", records, damaged
    if box is not None and box["owner"] == "dead":
        return "died, not recovered", box["records"], None
    if recovery is not None:
        return "died", records, damaged
    return "ended", None, None
