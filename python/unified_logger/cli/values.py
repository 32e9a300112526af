"""`unified-logger values FIELD [DIR|FILE…]`: the values that a field has, the most frequent first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import COMMANDS, _questions, _table

if TYPE_CHECKING:
    from argparse import Namespace

_SHOWN = 50
# Among so many records a name is looked for that was meant.
_LOOKED_AT = 10_000


def main(arguments: list[str]) -> int:
    """Lists values.

    Args:
        arguments: Those behind the name of the command.

    Returns:
        0 if there are some, 1 if no record has the field, 2 if the arguments are wrong or the files cannot be read.
    """
    parser = _questions.parser("values", COMMANDS["values"])
    parser.add_argument("field", metavar="FIELD", help="the name of a field; a.b is b inside of a")
    _questions.add_options(parser)
    _questions.add_filter(parser)
    _questions.add_lines(parser, "values", _SHOWN)
    parser.add_argument("--json", action="store_true", help="print an object of JSON for each value")
    given = _questions.parsed(parser, arguments)
    try:
        return _listed(given)
    except _questions.RefusedError as refused:
        print(f"unified-logger values: {refused}", file=sys.stderr)
        return 2


def _listed(given: Namespace) -> int:
    most = _questions.most(given.lines)
    field = _questions.field(given.field)
    asked = _questions.behind_filter(given.query, f"where {field} exists | count by {field}")
    found, remarks = _questions.rows(asked, given)
    total = sum(count for _, count in found)
    found.sort(key=lambda row: -row[1])
    shown = found[:most]
    if given.json:
        rows = [[value, count, count / total] for value, count in shown]
        sys.stdout.write(_table.json_lines(["value", "records", "share"], rows))
    elif shown:
        rows = [[value, count, f"{count / total:.1%}"] for value, count in shown]
        if len(found) > len(shown):
            left = sum(count for _, count in found[len(shown) :])
            rows.append([f"({len(found) - len(shown):,} others)", left, f"{left / total:.1%}"])
        sys.stdout.write(_table.for_output([given.field, "records", "share"], rows, is_utc=given.utc))
    sys.stdout.flush()
    if not found:
        remarks.append(_nothing(given))
    for remark in remarks:
        print(f"unified-logger values: {remark}", file=sys.stderr)
    return _questions.status(bool(found), given)


def _nothing(given: Namespace) -> str:
    """What is said where no record has the field."""
    import difflib

    rows, _ = _questions.rows(_questions.behind_filter(given.query, f"head {_LOOKED_AT} | describe"), given)
    names = [row[0] for row in rows]
    if not names:
        return "there are no such records"
    near = difflib.get_close_matches(given.field, names, 1, 0.5)
    hint = f"did you mean {near[0]}?" if near else "'unified-logger fields' lists them"
    return f"no record has a field {given.field!r}: {hint}"
