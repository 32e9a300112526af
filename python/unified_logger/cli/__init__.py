"""The command `unified-logger`; each of its commands is a module here.

Only the module of the command that is asked for is imported, so that it starts quickly. A module with `main` reads its arguments by itself. The
others add themselves to the parser, in `add_to`.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_SIGPIPE = 141  # as of a program that the signal ends
_INTERRUPTED = 130
# Each with what it does.
COMMANDS = {
    "tail": "show the last records of log files, and go on with new ones",
    "query": "filter, count and order the records of log files",
    "trace": "show one request as a tree of spans, with durations, gaps and errors",
    "stats": "count the records of a log directory by level, logger and time, without reading files that have an index",
    "fields": "list the fields that records have, with their types and an example of each",
    "values": "list the values of a field, with how many records have each",
    "runs": "list the processes that logged in a directory, when, how much, and how each ended",
    "doctor": "say whether a log directory is healthy, and why a line does not appear",
    "verify": "read log files whole, and say what is damaged and where",
    "recover": "write the records that processes which died left in their black boxes",
    "retention": "delete the rotated files that `keep` no longer keeps, or say which these are",
    "metrics": "print what all processes of a log directory have counted, in the text format of Prometheus",
    "config": "check a configuration file, or show the value of each option and where it comes from",
    "options": "list the options of init_logging, of the environment and of files",
    "schema": "print the JSON Schema of configuration files, for editors",
}
# Those that import no more than they need.
_QUICK = ("tail",)
# Those that log nothing, and read no configuration.
_READING = ("query", "trace", "stats", "fields", "values", "runs")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: The arguments after the program's name; None takes those of the process.

    Returns:
        The exit status: 0 if all went well, 1 if something did not (or nothing was found), 2 for wrong arguments, 130 after Ctrl-C, and 141 if
        the reader of the output has gone.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = given[0] if given else ""
    try:
        if name in _QUICK:
            # Not by importlib, which takes time to be imported itself.
            module = __import__(f"{__name__}.{name}", fromlist=["main"])
            status: int = module.main(given[1:])
        else:
            status = _run(given, name)
        print(end="", flush=True)  # there may be no standard output
        if name in (*_QUICK, *_READING) and arguments is None and not sys.flags.interactive:
            # Nothing is left to do, and the interpreter's own end would take as long as all that was done.
            print(end="", flush=True, file=sys.stderr)
            os._exit(status)
    except BrokenPipeError:
        # The reader has seen enough, as `head` has. The interpreter must not find the pipe again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return _SIGPIPE
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _run(given: list[str], name: str) -> int:
    """Runs a command that adds itself to the parser."""
    import argparse
    from importlib import import_module

    if name not in _READING:
        # In the order in which programs import it, and not in that of the command's needs.
        import_module("unified_logger.api")
    module = import_module(f".{name}", __name__) if name in COMMANDS else None
    if module is not None and hasattr(module, "main"):
        return int(module.main(given[1:]))
    parser = argparse.ArgumentParser(
        prog="unified-logger",
        description="Looks after the log files, black boxes and configuration of programs that log with unified_logger.",
        epilog="'unified-logger COMMAND --help' tells more of a command.",
    )
    version = _version() if "--version" in given else ""
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for known, help_text in COMMANDS.items():
        if known == name and module is not None:
            module.add_to(commands)
        else:
            commands.add_parser(known, help=help_text)
    parsed = parser.parse_args(given)
    status: int = parsed.run(parsed)
    return status


def _version() -> str:
    from importlib.metadata import version

    return f"unified-logger {version('unified_logger')}"
