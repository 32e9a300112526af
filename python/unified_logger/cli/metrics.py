"""`unified-logger metrics DIR`: prints what all processes of a log directory have counted, as Prometheus reads it."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import TYPE_CHECKING

from .. import _core
from . import COMMANDS, _directories

if TYPE_CHECKING:
    import argparse
    from argparse import Namespace

_HELP = COMMANDS["metrics"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the others."""
    parser = commands.add_parser("metrics", help=_HELP, description=_HELP + ".")
    parser.add_argument("directory", metavar="DIR", help="the log directory")
    parser.add_argument("--openmetrics", action="store_true", help="print OpenMetrics 1.0")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write the file in one step instead, such as app.prom in the directory of node_exporter's textfile collector",
    )
    parser.set_defaults(run=run)


def run(given: Namespace) -> int:
    """Prints the metrics, or writes them to a file.

    Returns:
        0 if all went well, 1 if something could not be read or written, 2 if the directory does not exist or must not be used.
    """
    directory = os.path.realpath(given.directory)
    refusal = _directories.refusal(given.directory, directory)
    if refusal is not None:
        print(f"unified-logger metrics: {refusal}", file=sys.stderr)
        return 2
    text, remarks = _core.directory_metrics(directory, given.openmetrics)
    for remark in remarks:
        print(f"unified-logger metrics: {remark}", file=sys.stderr)
    if given.output is None:
        print(text, end="")
    else:
        try:
            _write(given.output, text)
        except OSError as error:
            print(f"unified-logger metrics: {error}", file=sys.stderr)
            return 1
    return 1 if remarks else 0


def _write(path: str, text: str) -> None:
    """Writes a file that others never see in part. They may read it, as files of the collector are read by another user."""
    folder, name = os.path.split(os.path.abspath(path))
    descriptor, new = tempfile.mkstemp(prefix=f".{name}-", dir=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(text)
        os.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise
