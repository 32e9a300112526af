"""`unified-logger schema`: the JSON Schema of configuration files, for editors."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from . import COMMANDS

if TYPE_CHECKING:
    import argparse
    from argparse import Namespace

_HELP = COMMANDS["schema"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the others."""
    parser = commands.add_parser("schema", help=_HELP, description=_HELP + ".")
    parser.add_argument("--path", action="store_true", help="print where the schema is installed instead")
    parser.set_defaults(run=run)


def run(given: Namespace) -> int:
    """Prints the schema, or the path of its file.

    Returns:
        0.
    """
    schema = files("unified_logger") / "config" / "schema.json"
    print(schema if given.path else schema.read_text(encoding="utf-8").rstrip("\n"))
    return 0
