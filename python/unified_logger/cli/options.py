"""`unified-logger options [NAME …]`: what can be configured."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

from ..config import OPTIONS
from ..config.layout import default_shown
from ..errors import nearest
from . import COMMANDS

if TYPE_CHECKING:
    import argparse
    from argparse import Namespace

    from ..config.options import Option

_HELP = COMMANDS["options"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the others."""
    parser = commands.add_parser("options", help=_HELP, description=_HELP + ".")
    parser.add_argument("names", metavar="NAME", nargs="*", help="an option to describe; without any, all options")
    parser.set_defaults(run=run)


def run(given: Namespace) -> int:
    """Prints what some options are, or all of them.

    Returns:
        0 if each option is known, 2 if not.
    """
    for name in given.names:
        if name not in OPTIONS:
            near = nearest(name, OPTIONS)
            meant = f": did you mean {near!r}?" if near else ""
            print(f"unified-logger options: there is no option {name!r}{meant}", file=sys.stderr)
            return 2
    print("\n\n".join(_described(OPTIONS[name]) for name in given.names or OPTIONS))
    return 0


def _described(option: Option) -> str:
    sentences = f"{option.help} Takes {option.kind.allowed}."
    variables = " or ".join(option.variables)
    lines = (
        f"{option.name} = {default_shown(option)}",
        *textwrap.wrap(sentences, 100, break_long_words=False, break_on_hyphens=False),
        f"Environment: {variables}",
    )
    return "\n    ".join(lines)
