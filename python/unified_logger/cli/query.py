"""`unified-logger query QUESTION [DIR|FILE…]`: filters, counts and orders the records of log files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import _arguments, _questions, _table

if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from .. import _core

_HELP = "filter, count and order the records of log files"
_MORE = """
questions:
  level>=error and latency_ms>500                 records that fit
  level>=error | count by endpoint, 5m | top 10   a table of them

A condition compares a field: =, !=, <, <=, >, >=, ~ (regular expression), !~, in (a, b), contains, exists.
A text in quotes stands in the line. Conditions are joined by and, or, not and brackets. Dots lead into objects: user.id.
Stages: count, distinct, sum, avg, min, max, median, p99, first, last (of FIELD, by FIELD, 5m), where, fields, uniq, sort, top, head, tail.
docs/cli.md tells all of it.
"""
# How often a table is drawn anew that follows its files, seconds.
_FRAME = 1.0


def main(arguments: list[str]) -> int:
    """Runs the command.

    Args:
        arguments: Those behind the name of the command.

    Returns:
        The exit status, as `run` gives it; 2 for wrong arguments.
    """
    parser = _questions.parser("query", _HELP, _MORE)
    parser.add_argument("question", metavar="QUESTION", help="a filter, and stages behind '|'")
    _questions.add_options(parser)
    parser.add_argument(
        "-o", "--output", choices=("table", "json", "csv"), help="the form; by default a table, or the records' lines"
    )
    parser.add_argument("--json", action="store_const", const="json", dest="output", help="the same as -o json")
    parser.add_argument("-f", "--follow", action="store_true", help="go on, and draw the table anew each second")
    return run(_questions.parsed(parser, arguments))


def run(given: Namespace) -> int:
    """Answers the question.

    Returns:
        0 if something was found, 1 if nothing was, 2 if the question is wrong or something could not be read.
    """
    try:
        query = _questions.ask(given.question, given.utc, _questions.directory_of(given.paths))
        files = _questions.files(given, query, follow=given.follow)
    except _questions.RefusedError as refused:
        print(f"unified-logger query: {refused}", file=sys.stderr)
        return 2
    if query.gives_lines and given.output in ("csv", "table"):
        print(
            f"unified-logger query: -o {given.output} needs a table: add a stage such as '| fields time, level, logger, message'",
            file=sys.stderr,
        )
        return 2
    if given.follow and query.waits:
        print(
            "unified-logger query: sort, top and tail of records come at the end, which -f never reaches",
            file=sys.stderr,
        )
        return 2
    awaited = _arguments.awaited(given.paths or [_questions.directory_of([])]) if given.follow else []
    for sentence in awaited:
        print(f"unified-logger query: {sentence}", file=sys.stderr)
    try:
        return _answered(given, query, files)
    except _questions.RefusedError as refused:
        print(f"unified-logger query: {refused}", file=sys.stderr)
        return 2


def _answered(given: Namespace, query: _core.Query, files: _core.LogFiles) -> int:
    is_found = False
    drawn = 0
    out = sys.stdout
    for lines in _questions.answer(query, files, _FRAME if given.follow else None):
        for line in lines:
            is_found = True
            out.buffer.write(line + b"\n")
        if given.follow:
            if lines:
                out.flush()
            elif not query.gives_lines:
                drawn = _draw_again(query, given, drawn)
    for line in query.last_lines():
        is_found = True
        out.buffer.write(line + b"\n")
    if not query.gives_lines:
        columns, rows = query.table()
        is_found = bool(rows)
        out.write(_shown(columns, rows, given))
    out.flush()
    for remark in _questions.said([*query.told()[2], *files.remarks()]):
        print(f"unified-logger query: {remark}", file=sys.stderr)
    if files.has_unread:
        return 2
    return 0 if is_found else 1


def _shown(columns: list[str], rows: list[list[Any]], given: Namespace) -> str:
    if given.output == "json":
        return _table.json_lines(columns, rows)
    if given.output == "csv":
        return _table.comma_separated(columns, rows)
    return _table.for_output(columns, rows, is_utc=given.utc)


def _draw_again(query: Any, given: Namespace, drawn: int) -> int:
    """Draws the table over the one before. Returns how many lines it has."""
    columns, rows = query.table()
    text = _shown(columns, rows, given)
    if sys.stdout.isatty() and drawn:
        sys.stdout.write(f"\x1b[{drawn}F\x1b[J")
    sys.stdout.write(text)
    sys.stdout.flush()
    return text.count("\n")
