"""`unified-logger recover DIR`: writes the records that dead processes had accepted and not written."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from .. import _core
from . import COMMANDS, _directories

if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

_HELP = COMMANDS["recover"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the others."""
    parser = commands.add_parser("recover", help=_HELP, description=_HELP + ".")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("directory", metavar="DIR", nargs="?", help="the log directory")
    what.add_argument(
        "--all",
        action="store_true",
        help="every log directory for which this user has black boxes in shared memory; records of programs that have none go to "
        "standard output, or to standard error where they wrote to that",
    )
    parser.add_argument(
        "--copied",
        action="store_true",
        help="the directory was copied from another machine: a process here that happens to have the number of one there is not its owner",
    )
    parser.add_argument("--json", action="store_true", help="print one object of JSON")
    parser.set_defaults(run=run)


def run(given: Namespace) -> int:
    """Recovers a directory, or all of them, and prints the result.

    Returns:
        0 if nothing is left to recover, 1 if something could not be written or read, 2 if the directory does not exist or must not be used.
    """
    if given.all and given.copied:
        print("unified-logger recover: --copied is for one directory: name it", file=sys.stderr)
        return 2
    report = _core.recover_all(_asked) if given.all else _of_directory(given.directory, given.copied)
    if report is None:
        return 2
    held = [] if given.all else _held(given.directory)
    left = any(report[what] for what in ("aside", "failed", "damaged", "waiting", "distrusted"))
    status = 1 if left or held else 0
    if given.json:
        told = {**report, "held": held}
        for name in ("aside", "distrusted"):
            told[name] = [{"path": path, "reason": reason} for path, reason in report[name]]
        print(json.dumps(told, ensure_ascii=False))
        return status
    boxes = "1 black box" if report["boxes"] == 1 else f"{report['boxes']} black boxes"
    records = "1 record" if report["records"] == 1 else f"{report['records']} records"
    print(f"{records} recovered from {boxes}")
    if not report["boxes"] and not report["failed"]:
        found = "in shared memory" if given.all else "made for this directory"
        more = "; for those in a log directory name it: unified-logger recover DIR" if given.all else ""
        print(f"(found are boxes of this user, {found} and left by processes that are dead{more})", file=sys.stderr)
    if report["damaged"]:
        print(f"{report['damaged']} records were damaged and could not be recovered", file=sys.stderr)
    for path, reason in report["aside"]:
        print(f"set aside as {path!r}: {reason}", file=sys.stderr)
    for reason in report["failed"]:
        print(f"not recovered: {reason!r}", file=sys.stderr)
    for box in report["waiting"]:
        print(f"left: {box!r}", file=sys.stderr)
    for path, reason in report["distrusted"]:
        print(f"no black box in {path!r} is read: {reason}", file=sys.stderr)
    for box in held:
        print(f"left: {box['path']!r}: {box['reason']}", file=sys.stderr)
    return status


def _held(given: str) -> list[dict[str, Any]]:
    """Boxes that are left although their processes logged to another directory, so that this one may be a copy, and those that nobody reads."""
    directory = os.path.realpath(given)
    found = []
    for box in _core.black_boxes(directory)[0]:
        if box["owner"] == "distrusted":
            reason = "it belongs to another user than its directory, or others may write to it"
        elif box["owner"] == "alive" and box["directory"] and os.path.realpath(box["directory"]) != directory:
            reason = (
                f"process {box['process']} seems to live; if the directory was copied from {box['directory']!r} of another machine, "
                "use --copied"
            )
        else:
            continue
        found.append({"path": box["path"], "process": box["process"], "reason": reason})
    return found


def _asked(directory: os.PathLike[str]) -> tuple[str, str | None]:
    """The directory to which a black box leads, and the reason if nothing is done there."""
    path = os.path.realpath(directory)
    return path, _directories.refusal(os.fspath(directory), path)


def _of_directory(given: str, copied: bool) -> dict[str, Any] | None:
    # The directory behind the links now is the one that is checked and used.
    directory = os.path.realpath(given)
    refusal = _directories.refusal(given, directory)
    if refusal is not None:
        print(f"unified-logger recover: {refusal}", file=sys.stderr)
        return None
    report = _core.recover(directory, copied)
    # This process has one thread, so no other code can be recovering.
    assert report is not None
    return report
