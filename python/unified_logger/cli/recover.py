"""`unified-logger recover DIR`: writes what processes that died had accepted and not written."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from .. import _core
from . import _directories

if TYPE_CHECKING:
    from argparse import Namespace

_HELP = "write the records that processes which died left in their black boxes"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to those there are."""
    parser = commands.add_parser("recover", help=_HELP, description=_HELP + ".")
    parser.add_argument("directory", metavar="DIR", help="the log directory")
    parser.set_defaults(run=run)


def run(given: Namespace) -> int:
    """Recovers a directory and says what was done.

    Returns:
        0 when nothing is left to recover, 1 when something could not be written or read, 2 when there is no such directory, or none to work in.
    """
    # Looked at, and worked in, is what it leads to now.
    directory = os.path.realpath(given.directory)
    refusal = _directories.refusal(given.directory, directory)
    if refusal is not None:
        print(f"unified-logger recover: {refusal}", file=sys.stderr)
        return 2
    told = _core.recover(directory)
    # One thread of this process: nobody else can be at it.
    assert told is not None
    boxes = "1 black box" if told["boxes"] == 1 else f"{told['boxes']} black boxes"
    print(f"{told['records']} records recovered from {boxes}")
    if not told["boxes"] and not told["failed"]:
        print("(found are boxes of this user, made for this path and left by processes that are dead)", file=sys.stderr)
    if told["damaged"]:
        print(f"{told['damaged']} records were damaged and could not be recovered", file=sys.stderr)
    for path, reason in told["aside"]:
        print(f"set aside as {path!r}: {reason}", file=sys.stderr)
    for reason in told["failed"]:
        print(f"not recovered: {reason!r}", file=sys.stderr)
    for path, reason in told["distrusted"]:
        print(f"no black box in {path!r} is read: {reason}", file=sys.stderr)
    return 1 if any(told[what] for what in ("aside", "failed", "damaged", "distrusted")) else 0
