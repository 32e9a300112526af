"""The command `unified-logger`; each of its commands is a module here."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from . import metrics, options, query, recover, retention, schema, stats, trace

if TYPE_CHECKING:
    from collections.abc import Sequence

# As of programs that these signals end.
_SIGPIPE = 141
_SIGINT = 130
_COMMANDS = (query, trace, stats, recover, retention, metrics, options, schema)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: The arguments after the program's name; None takes those of the process.

    Returns:
        The exit status: 0 if all went well, 1 if something did not, 2 for wrong arguments.
    """
    parser = argparse.ArgumentParser(
        prog="unified-logger",
        description="Looks after the log files, black boxes and configuration of programs that log with unified_logger.",
        epilog="'unified-logger COMMAND --help' tells more of a command.",
    )
    parser.add_argument("--version", action="version", version=f"unified-logger {version('unified_logger')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_to(commands)
    given = parser.parse_args(arguments)
    try:
        status: int = given.run(given)
        print(end="", flush=True)  # there may be no standard output
    except KeyboardInterrupt:
        return _SIGINT
    except BrokenPipeError:
        # The reader has seen enough, as `head` has. The interpreter must not find the pipe again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _SIGPIPE
    return status
