"""`unified-logger trace ID [DIR|FILE…]`: one request as a tree of spans, with durations, gaps and errors."""

from __future__ import annotations

import json
import os
import re
import sys
from functools import cached_property
from typing import TYPE_CHECKING

from . import _questions, _table

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from typing import Any

_HELP = "show one request as a tree of spans, with durations, gaps and errors"
# More records of one trace are left out.
_MOST = 20_000
# A pause is shown that takes at least so much of the whole trace, and so many seconds.
_GAP_SHARE, _GAP = 0.1, 0.001
_ERROR = 40
# Durations are told in milliseconds: no request takes a century.
_LONGEST = 3.2e12
# Spans deeper than that are shown beside each other.
_DEEPEST = 50
_BAR = 24


def main(arguments: list[str]) -> int:
    """Runs the command.

    Args:
        arguments: Those behind the name of the command.

    Returns:
        The exit status, as `run` gives it; 2 for wrong arguments.
    """
    parser = _questions.parser("trace", _HELP)
    parser.add_argument("id", metavar="ID", help="the id of a trace, or its beginning")
    _questions.add_options(parser, with_trace=False)
    parser.add_argument("--json", action="store_true", help="print the tree as JSON")
    return run(_questions.parsed(parser, arguments))


class Span:
    """A step of a request. Its items do not change once it was asked for its begin, its end or its errors.

    Args:
        span_id: Its id; None for records that have none.
    """

    def __init__(self, span_id: str | None) -> None:
        self.span_id = span_id
        self.parent: str | None = None
        self.name: str | None = None
        self.outcome: str | None = None
        self.duration: float | None = None
        self.items: list[Span | Line] = []

    @cached_property
    def begin(self) -> int:
        """When its first record was logged, nanoseconds."""
        return min((item.begin for item in self.items), default=0)

    @cached_property
    def end(self) -> int:
        """When its last record was logged, nanoseconds."""
        return max((item.end for item in self.items), default=0)

    def seconds(self) -> float:
        """How long it took, as it says itself or as its records tell."""
        return self.duration if self.duration is not None else (self.end - self.begin) / 1e9

    @cached_property
    def errors(self) -> int:
        """How many records at ERROR and above it has, those of spans inside included."""
        return sum(item.errors for item in self.items)


class Line:
    """A record of a span.

    Args:
        nanoseconds: Its time.
        level: The name of its level.
        number: The number of its level.
        logger: The name of its logger.
        record: All of it.
    """

    def __init__(self, nanoseconds: int, level: str, number: int, logger: str, record: dict[str, Any]) -> None:
        self.begin = self.end = nanoseconds
        self.level = level
        self.number = number
        self.logger = logger
        self.record = record

    @property
    def errors(self) -> int:
        """1 if it is an error."""
        return int(self.number >= _ERROR)


def run(given: Namespace) -> int:
    """Shows the trace.

    Returns:
        0 if it was found, 1 if it was not, 2 if something could not be read.
    """
    try:
        trace, remarks = _trace_named(given)
        if trace is None:
            for remark in remarks:
                print(f"unified-logger trace: {remark}", file=sys.stderr)
            return _questions.status(False, given)
        lines, remarks = _lines(trace, given)
    except _questions.RefusedError as refused:
        print(f"unified-logger trace: {refused}", file=sys.stderr)
        return 2
    for remark in remarks:
        print(f"unified-logger trace: {remark}", file=sys.stderr)
    if not lines:
        print(f"unified-logger trace: there is no record of {trace}", file=sys.stderr)
        return _questions.status(False, given)
    root = tree(lines)
    if given.json:
        print(json.dumps({"trace_id": trace, **_as_json(root)}, ensure_ascii=False))
    else:
        sys.stdout.write(_drawn(trace, root, lines, given))
    sys.stdout.flush()
    return _questions.status(True, given)


def _trace_named(given: Namespace) -> tuple[str | None, list[str]]:
    """The whole id of a trace, of what may be its beginning, or what keeps it from being known."""
    if not re.fullmatch(r"[0-9A-Za-z_.:-]{1,128}", given.id):
        raise _questions.RefusedError(f"{given.id!r} is no id of a trace")
    if len(given.id) >= 32:
        return given.id, []
    question = f"trace_id = {_questions.quoted(given.id)} or trace_id = {given.id}* | count by trace_id"
    rows, remarks = _questions.rows(question, given)
    ids = [str(row[0]) for row in rows]
    if given.id in ids:
        return given.id, remarks
    if len(ids) > 1:
        shown = ", ".join(_table.cell_text(each, True) for each in ids[:10]) + (", …" if len(ids) > 10 else "")
        return None, [f"{len(ids)} traces begin with {given.id}: {shown}"]
    return (ids[0] if ids else given.id), remarks


def _lines(trace: str, given: Namespace) -> tuple[list[Line], list[str]]:
    """All records of the trace, each once, in the order of time."""
    found: list[Line] = []
    remarks: list[str] = []
    for record in _questions.records(trace, given, remarks):
        if len(found) == _MOST:
            remarks.append(f"records beyond the first {_MOST} are left out")
            break
        try:
            parsed = json.loads(record.raw)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            parsed = {"message": record.raw.decode("utf-8", "replace")}
        level = record.level or "?"
        found.append(
            Line(
                record.nanoseconds if record.nanoseconds is not None else found[-1].begin if found else 0,
                level,
                _questions.number_of(level),
                record.logger or "",
                parsed,
            )
        )
    found.sort(key=lambda line: line.begin)
    return found, remarks


def _field(record: dict[str, Any], *names: str) -> Any:
    """The first of these fields that a record has: its shape may call them otherwise."""
    for name in names:
        value: Any = record.get(name)
        if value is None:
            value = record
            for part in name.split("."):
                value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def tree(lines: list[Line]) -> Span:
    """Puts records into their spans, and spans into those that they are children of.

    Args:
        lines: The records of one trace, in the order of time.

    Returns:
        A span for the whole trace.
    """
    spans: dict[str, Span] = {}
    root = Span(None)
    for line in lines:
        span_id = _field(line.record, "span_id", "spanId", "span.id", "dd.span_id", "logging.googleapis.com/spanId")
        if span_id is None:
            root.items.append(line)
            continue
        span = spans.setdefault(str(span_id), Span(str(span_id)))
        span.items.append(line)
        parent = _field(line.record, "parent_span_id")
        if isinstance(parent, str):
            span.parent = parent
        name = _field(line.record, "span")
        if isinstance(name, str) and span.name is None:
            span.name = name
        duration = _field(line.record, "duration_ms")
        if isinstance(duration, (int, float)) and not isinstance(duration, bool) and 0 <= duration < _LONGEST:
            span.duration = float(duration) / 1e3
        outcome = _field(line.record, "outcome")
        if isinstance(outcome, str):
            span.outcome = outcome
        if span.name is None and _field(line.record, "method", "http.method") is not None:
            method, path = (
                _field(line.record, "method", "http.method"),
                _field(line.record, "route", "path", "url.path"),
            )
            span.name = f"{method} {path}" if path is not None else str(method)
    for span in spans.values():
        above = spans.get(span.parent or "")
        # A record may say anything: no span is put into itself.
        ancestors = set() if above is None else _ancestors(above, spans)
        is_inside = above is not None and span.span_id not in ancestors and len(ancestors) < _DEEPEST
        (above if above is not None and is_inside else root).items.append(span)
    for span in (root, *spans.values()):
        span.items.sort(key=lambda item: item.begin)
    return root


def _ancestors(span: Span, spans: dict[str, Span]) -> set[str | None]:
    found: set[str | None] = set()
    above: Span | None = span
    while above is not None and above.span_id not in found and len(found) < _DEEPEST:
        found.add(above.span_id)
        above = spans.get(above.parent or "")
    return found


def _as_json(span: Span) -> dict[str, Any]:
    items = [_as_json(item) if isinstance(item, Span) else {"record": item.record} for item in span.items]
    return {
        "span_id": span.span_id,
        "name": span.name,
        "parent_span_id": span.parent,
        "outcome": span.outcome,
        "seconds": span.seconds(),
        "errors": span.errors,
        "items": items,
    }


def _drawn(trace: str, root: Span, lines: list[Line], given: Namespace) -> str:
    is_terminal = sys.stdout.isatty()
    width = os.get_terminal_size(sys.stdout.fileno()).columns or 80 if is_terminal else 10_000
    paint = _Paint(_questions.is_colourful(is_terminal))
    whole = max((root.end - root.begin) / 1e9, *(span.seconds() for span in _spans(root)), 0.0)
    errors = root.errors
    head = f"trace {_table.cell_text(trace, True)}  {_many(len(lines), 'record')}  {_seconds(whole)}"
    if errors:
        head += "  " + paint.red(_many(errors, "error"))
    out = [head]
    _draw(root, "", root.begin, whole, width, paint, out)
    return "".join(f"{line}\n" for line in out)


def _spans(span: Span) -> Iterator[Span]:
    for item in span.items:
        if isinstance(item, Span):
            yield item
            yield from _spans(item)


def _draw(span: Span, indent: str, begin: int, whole: float, width: int, paint: _Paint, out: list[str]) -> None:
    last_end: int | None = None
    for number, item in enumerate(span.items):
        is_last = number == len(span.items) - 1
        if last_end is not None:
            pause = (item.begin - last_end) / 1e9
            if pause >= _GAP and pause >= whole * _GAP_SHARE:
                out.append(f"{'':>10}  {indent}{paint.dim(f'┊  {_seconds(pause)} without a record')}")
        offset = f"+{_seconds((item.begin - begin) / 1e9)}".rjust(10)
        if isinstance(item, Span):
            branch, below = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
            name = item.name or f"span {item.span_id}"
            title = f"{offset}  {indent}{branch}{_table.cell_text(name, True)}  {_seconds(item.seconds())}"
            if item.outcome not in (None, "ok"):
                title += f"  {_table.cell_text(item.outcome, True)}"
            bar = _bar(item, begin, whole, width - _table.width_of(title) - 2)
            shown = _table.cut(title, width)
            shown = paint.red(shown) if item.errors or item.outcome == "error" else paint.bold(shown)
            out.append(f"{shown}  {paint.dim(bar)}" if bar else shown)
            _draw(item, indent + below, begin, whole, width, paint, out)
        elif not _tells_span(item):
            said = f"{_table.cell_text(item.level, True):<8} {_table.cell_text(item.logger, True)}"
            text = f"{offset}  {indent}{said}  {_message(item.record)}".rstrip()
            out.append(paint.of_level(_table.cut(text, width), item.number))
        last_end = max(item.end, last_end or 0)


def _tells_span(line: Line) -> bool:
    """Whether a record says no more than the line of its span."""
    return isinstance(line.record.get("span"), str) and line.record.get("message") in ("span started", "span ended")


def _bar(span: Span, begin: int, whole: float, room: int) -> str:
    """Where in the trace a span was, as a bar."""
    if room < _BAR or whole <= 0:
        return ""
    first = round((span.begin - begin) / 1e9 / whole * _BAR)
    length = max(1, round(span.seconds() / whole * _BAR))
    first = min(first, _BAR - 1)
    return "·" * first + "━" * min(length, _BAR - first) + "·" * max(0, _BAR - first - length)


def _message(record: dict[str, Any]) -> str:
    message = _field(record, "message", "body", "msg", "event")
    text = "" if message is None else message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
    exception = _field(record, "exception.message", "error.message")
    kind = _field(record, "exception.type", "error.type")
    if kind is not None:
        text += f"  {kind}: {exception}"
    return _table.cell_text(text, True)


def _seconds(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms"
    return f"{seconds:.2f} s"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


class _Paint:
    """Colours, or none."""

    def __init__(self, is_on: bool) -> None:
        self._is_on = is_on

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._is_on else text

    def red(self, text: str) -> str:
        return self._in("31", text)

    def bold(self, text: str) -> str:
        return self._in("1", text)

    def dim(self, text: str) -> str:
        return self._in("2", text)

    def of_level(self, text: str, number: int) -> str:
        return self._in("31", text) if number >= _ERROR else self._in("33", text) if number >= 30 else text
