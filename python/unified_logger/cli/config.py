"""`unified-logger config check FILE` and `unified-logger config show`: what a program would make of a configuration."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from .. import _core
from ..config import OPTIONS
from ..config.resolve import sources
from ..errors import MISSING, ConfigurationError, shown
from . import COMMANDS, _configuration, _questions, _table

if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

_DEFAULT = "default"


def main(arguments: list[str]) -> int:
    """Runs the command.

    Args:
        arguments: Those behind the name of the command.

    Returns:
        The exit status, as `check` and `show` give it; 2 for wrong arguments.
    """
    parser = _questions.parser("config", COMMANDS["config"])
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    told = "load a configuration file as a program would, and say all that is wrong with it"
    checked = commands.add_parser("check", help=told, description=f"{told[0].upper()}{told[1:]}.")
    checked.add_argument("file", metavar="FILE", help="the configuration file")
    checked.set_defaults(run=check)
    told = "show the value of each option that is not at its default, and where it comes from"
    showing = commands.add_parser("show", help=told, description=f"{told[0].upper()}{told[1:]}.")
    showing.add_argument("--config", metavar="FILE", help="the configuration file; without it the environment alone")
    showing.add_argument("--all", action="store_true", help="show the options at their default, too")
    showing.set_defaults(run=show)
    for command in (checked, showing):
        command.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    status: int = given.run(given)
    return status


def check(given: Namespace) -> int:
    """Says what is wrong with a file, in this environment.

    Returns:
        0 if nothing is wrong, 1 if there are warnings, such as of keys without effect, 2 if there are errors.
    """
    errors, warnings, _ = _configuration.errors_and_warnings(given.file)
    if given.json:
        told = {"file": given.file, "errors": [_as_json(error) for error in errors], "warnings": warnings}
        print(json.dumps(told, ensure_ascii=False))
    else:
        for error in errors:
            print(f"error: {error}")
        for warning in warnings:
            print(f"warning: {_core.escape_text(warning)}")
        if not errors and not warnings:
            print(f"{_core.escape_text(given.file)} is right")
    return 2 if errors else 1 if warnings else 0


def _as_json(error: ConfigurationError) -> dict[str, Any]:
    return {
        "source": error.source,
        "line": error.line,
        "key": error.key,
        "value": None if error.value is MISSING else shown(error.value),
        "allowed": error.allowed,
        "suggestion": error.suggestion,
        "message": str(error),
    }


def show(given: Namespace) -> int:
    """Shows options with their values and their sources.

    Returns:
        0 if options are shown, 1 if all are at their defaults, 2 if the configuration is wrong.
    """
    try:
        settings, file = _configuration.settings_of(given.config)
        of_sources = sources(file, given.config, os.environ)
    except ConfigurationError as error:
        print(f"unified-logger config: {error}", file=sys.stderr)
        return 2
    rows = []
    for name, option in OPTIONS.items():
        source = of_sources.get(name, _DEFAULT)
        value = _configuration.shown(option, settings, is_given=source != _DEFAULT)
        if given.all or source != _DEFAULT:
            rows.append((name, value, source))
    if given.json:
        print(
            json.dumps([dict(zip(("option", "value", "source"), row, strict=True)) for row in rows], ensure_ascii=False)
        )
    elif rows:
        shown_rows = [[name, json.dumps(value, ensure_ascii=False), source] for name, value, source in rows]
        sys.stdout.write(_table.for_output(("option", "value", "source"), shown_rows, is_utc=False))
    else:
        print("all options are at their defaults", file=sys.stderr)
    return 0 if rows else 1
