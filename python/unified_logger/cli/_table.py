"""Tables for people and for programs."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
import unicodedata
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from . import _questions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

# Parts of a cell, for bars that are told apart by less than a character.
_EIGHTHS = " ▏▎▍▌▋▊▉"
_BAR = 30
_LEAST_BAR = 8
_WIDEST = 200
# A text that looks like a number or a truth.
_NUMERAL = re.compile(r"-?[0-9.]+(?:[eE][-+]?[0-9]+)?|true|false")


def cell_text(value: Any, is_utc: bool) -> str:
    """A value as people read it.

    Args:
        value: A value of a row.
        is_utc: Whether times are shown in UTC, not in the zone of the system.
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.1f}" if 1e6 <= abs(value) < 1e15 else f"{value:.6g}"
    if isinstance(value, datetime):
        moment = value if is_utc else value.astimezone()
        text = moment.strftime("%Y-%m-%d %H:%M:%S")
        return text if not moment.microsecond else f"{text}.{moment.microsecond:06d}"
    return "".join(character if character.isprintable() else _escaped(character) for character in _as_text(value))


def _as_text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def size(count: float) -> str:
    """A number of bytes as people read it."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def plain(value: Any) -> Any:
    """A value as JSON has it: times as ISO 8601 in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat(timespec="microseconds")
    return value


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me")
        else 2 if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )  # fmt: skip


def cut(text: str, width: int) -> str:
    """A text of so many columns at most."""
    if width_of(text) <= width:
        return text
    taken, used = [], 0
    for character in text:
        used += width_of(character)
        if used > width - 1:
            break
        taken.append(character)
    return "".join(taken) + "…"


def json_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """An object for each row."""
    lines = (json.dumps(dict(zip(columns, map(plain, row), strict=True)), ensure_ascii=False) for row in rows)
    return "".join(f"{line}\n" for line in lines)


def comma_separated(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The table as RFC 4180 has it, with a line of names."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(
            [
                "" if value is None else _as_text(plain(value)) if not isinstance(value, bool) else str(value).lower()
                for value in row
            ]
        )
    return text.getvalue()


def drawn(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    columns_of_terminal: int | None = None,
    is_utc: bool = False,
    bold: bool = False,
) -> str:
    """A table for people: numbers at the right, texts at the left, and a bar for each row where there is one number.

    Args:
        columns: The names of the columns.
        rows: The values.
        columns_of_terminal: The width of the terminal. None for a table of any width, without bars.
        is_utc: Whether times are shown in UTC.
        bold: Whether the names of columns stand out.
    """
    texts = [[cell_text(value, is_utc) for value in row] for row in rows]
    for at in range(len(columns)):
        _quote_numerals([row[at] for row in rows], texts, at)
    is_number = [
        bool(rows) and all(isinstance(row[at], (int, float)) or row[at] is None for row in rows)
        and any(isinstance(row[at], (int, float)) and not isinstance(row[at], bool) for row in rows)
        for at in range(len(columns))
    ]  # fmt: skip
    names = [cell_text(name, is_utc) for name in columns]
    widths = [max([width_of(names[at]), *(width_of(row[at]) for row in texts)]) for at in range(len(columns))]
    if columns_of_terminal is not None:
        # Of a time, as of a number, a part says nothing.
        is_whole = [
            number or any(isinstance(row[at], datetime) for row in rows) for at, number in enumerate(is_number)
        ]  # fmt: skip
        _narrow(widths, is_whole, columns_of_terminal)
    # One long text is no reason for a table of mostly spaces. JSON and CSV have all of it.
    widths = [min(width, _WIDEST) for width in widths]
    bars = _bars(rows, is_number, widths, columns_of_terminal)
    head = "  ".join(_placed(name, width, right) for name, width, right in zip(names, widths, is_number, strict=True))
    lines = [f"\x1b[1m{head.rstrip()}\x1b[0m" if bold else head.rstrip()]
    for number, row in enumerate(texts):
        line = "  ".join(_placed(text, width, right) for text, width, right in zip(row, widths, is_number, strict=True))
        lines.append(f"{line}  {bars[number]}".rstrip())
    return "".join(f"{line}\n" for line in lines)


def for_output(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, is_utc: bool) -> str:
    """A table for standard output: as wide as a terminal, and of any width for all else.

    Args:
        columns: The names of the columns.
        rows: The values.
        is_utc: Whether times are shown in UTC.
    """
    is_terminal = sys.stdout.isatty()
    width = os.get_terminal_size(sys.stdout.fileno()).columns or 80 if is_terminal else None
    bold = _questions.is_colourful(is_terminal)
    return drawn(columns, rows, columns_of_terminal=width, is_utc=is_utc, bold=bool(bold))


def _placed(text: str, width: int, right: bool) -> str:
    text = cut(text, width)
    space = " " * (width - width_of(text))
    return space + text if right else text + space


def _quote_numerals(values: Sequence[Any], texts: list[list[str]], at: int) -> None:
    """Tells a text such as "200" from the number, where a column has both."""
    if not any(isinstance(value, (bool, int, float)) for value in values):
        return
    for value, row in zip(values, texts, strict=True):
        if isinstance(value, str) and _NUMERAL.fullmatch(value):
            row[at] = f'"{row[at]}"'


def _narrow(widths: list[int], is_whole: Sequence[bool], most: int) -> None:
    """Gives the widest texts so much room that the table fits. Values that must stay whole keep all of theirs."""
    texts = [at for at, whole in enumerate(is_whole) if not whole and widths[at] > _LEAST_BAR]
    others = sum(width for at, width in enumerate(widths) if at not in texts)
    room = most - 2 * (len(widths) - 1) - others
    # The narrowest first: each takes what it needs, as long as that is no more than its share.
    for taken, at in enumerate(sorted(texts, key=lambda at: widths[at])):
        share = max(_LEAST_BAR, room // (len(texts) - taken))
        widths[at] = min(widths[at], share)
        room -= widths[at]


def _bars(
    rows: Sequence[Sequence[Any]], is_number: Sequence[bool], widths: Sequence[int], most: int | None
) -> list[str]:
    """A bar for each row, as long as its number is large. Empty where there is not exactly one number, or no room."""
    none = ["" for _ in rows]
    numbers = [at for at, number in enumerate(is_number) if number]
    if most is None or len(numbers) != 1 or len(widths) == 1 or len(rows) < 2:
        return none
    room = min(_BAR, most - sum(widths) - 2 * len(widths))
    values = [row[numbers[0]] or 0 for row in rows]
    largest = max(values)
    if room < _LEAST_BAR or largest <= 0 or min(values) < 0:
        return none
    return [_bar(value / largest * room) for value in values]


def _bar(length: float) -> str:
    eighths = round(length * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
