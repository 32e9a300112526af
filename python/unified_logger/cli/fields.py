"""`unified-logger fields [DIR|FILE…]`: the fields that records have."""

from __future__ import annotations

import sys

from . import COMMANDS, _questions, _table


def main(arguments: list[str]) -> int:
    """Lists fields.

    Args:
        arguments: Those behind the name of the command.

    Returns:
        0 if there are records, 1 if there are none, 2 if the arguments are wrong or the files cannot be read.
    """
    parser = _questions.parser("fields", COMMANDS["fields"])
    _questions.add_options(parser)
    _questions.add_filter(parser)
    parser.add_argument("--json", action="store_true", help="print an object of JSON for each field")
    given = _questions.parsed(parser, arguments)
    try:
        rows, remarks = _questions.rows(_questions.behind_filter(given.query, "describe"), given)
    except _questions.RefusedError as refused:
        print(f"unified-logger fields: {refused}", file=sys.stderr)
        return 2
    if given.json:
        rows = [[name, records, types.split(", "), example] for name, records, types, example in rows]
        sys.stdout.write(_table.json_lines(["field", "records", "types", "example"], rows))
    elif rows:
        sys.stdout.write(_table.for_output(["field", "records", "types", "example"], rows, is_utc=given.utc))
    sys.stdout.flush()
    for remark in remarks:
        print(f"unified-logger fields: {remark}", file=sys.stderr)
    return _questions.status(bool(rows), given)
