"""What is logged is odd or hostile."""

from __future__ import annotations

from typing import Any

from ..app import App, text
from ..stage import Stage
from .event import Event


class Unspeakable:
    """Its `__repr__` raises."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")

    __str__ = __repr__


def bad_repr(app: App) -> None:
    app.start()
    for number in range(100):
        app.call(0, number, app.logger.value, text(0, number), Unspeakable())


def misfit(app: App) -> None:
    app.start()
    place = "{:d}" if app.logger.PLACE == "{}" else "%d"
    for number in range(100):
        app.call(0, number, app.logger.log, f"{place} items {text(0, number)}", "three")


def forged(app: App) -> None:
    """A message holds the end of its line, a whole line of its own, and what clears a terminal."""
    app.start()
    app.log(0, 0)
    app.logger.flush()
    lines = [line for path in app.paths() for line in path.read_text("utf-8", "replace").splitlines()]
    line = next((line for line in lines if text(0, 0) in line), text(0, 0))
    line = line.replace(text(0, 0), text(7, 7))
    hostile = f"{text(0, 1)}\r\n{line}\n\x1b[2J"
    app.call(0, 1, app.logger.log, hostile)


def escapes(outcome: Any, stage: Stage) -> None:
    """A terminal that shows the file is not steered by it."""
    if any(b"\x1b" in path.read_bytes() for path in stage.folder.glob("app*")):
        outcome.remarks.append("raw escape sequence")


EVENTS = [
    Event(
        "repr-raises", "a value whose `__repr__` raises", "the record, with a marker in the value's place; no exception in the caller",
        ("tests/values",), bad_repr, short=True,
    ),
    Event(
        "arguments", "a message that its arguments do not fit", "the record; no exception in the caller",
        ("tests/records/test_record.py",), misfit, short=True,
    ),
    Event(
        "forged-line", "CR, LF, a whole line and ANSI escapes in a message", "one line to a record, nothing forged, no raw escape",
        ("tests/security", "tests/records/test_record.py"), forged, judge=escapes, short=True,
    ),
]  # fmt: skip
