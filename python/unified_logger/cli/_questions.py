"""What commands that read log files have in common: which files and which records, and the question that is asked of them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from .. import _core, levels
from . import _arguments, _remarks, _times
from ._arguments import WrongError
from ._progress import Progress

if TYPE_CHECKING:
    import argparse
    from argparse import Namespace
    from collections.abc import Iterator
    from typing import Any

# How long the engine searches before signals are looked at, seconds.
_SLICE = 0.1
_OF_TIMES = ("-S", "-U", "--since", "--until")


class RefusedError(Exception):
    """What was asked cannot be answered. The text says why."""


def parser(name: str, what: str, more: str | None = None) -> argparse.ArgumentParser:
    """The parser of a command.

    Args:
        name: The name of the command.
        what: What it does.
        more: What its help says at the end.
    """
    import argparse

    return argparse.ArgumentParser(
        prog=f"unified-logger {name}",
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def parsed(parser: argparse.ArgumentParser, arguments: list[str]) -> Namespace:
    """Arguments in any order. `-10m` behind `-S` is a time and no option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in _OF_TIMES and argument.startswith("-") and argument[1:2].isdigit():
            option = joined.pop()
            argument = f"{option}={argument}" if option.startswith("--") else option + argument
        joined.append(argument)
    return parser.parse_intermixed_args(joined)


def add_options(parser: argparse.ArgumentParser, *, with_trace: bool = True) -> None:
    """Adds the options that choose files and records.

    Args:
        parser: The parser of a command.
        with_trace: Whether a trace, and some of its records, are chosen by options.
    """
    parser.add_argument(
        "paths", metavar="DIR|FILE", nargs="*", help="a log directory, or log files; by default $LOG_DIR, else logs"
    )
    if with_trace:
        parser.add_argument("-l", "--level", help="the least level, by name or number")
        parser.add_argument(
            "-L", "--logger", action="append", default=[], help="a logger and those below it; may be repeated"
        )
    else:
        # A tree of some of its records would be another one.
        parser.set_defaults(level=None, logger=[])
    parser.add_argument("-S", "--since", help=f"the first time: {_times.ALLOWED}")
    parser.add_argument("-U", "--until", help="the time before which records end")
    if with_trace:
        parser.add_argument("-t", "--trace", metavar="ID", help="the id of a trace")
    else:
        parser.set_defaults(trace=None)
    parser.add_argument("--utc", action="store_true", help="times in UTC, not in the zone of the system")


def add_directory(parser: argparse.ArgumentParser) -> None:
    """Adds the argument that names one log directory.

    Args:
        parser: The parser of a command.
    """
    parser.add_argument("directory", metavar="DIR", nargs="?", help="the log directory; by default $LOG_DIR, else logs")


def add_lines(parser: argparse.ArgumentParser, what: str, default: int) -> None:
    """Adds the option that says how many rows are shown; `most` reads it.

    Args:
        parser: The parser of a command.
        what: What the rows are, behind `so many of the`.
        default: How many are shown without it.
    """
    parser.add_argument(
        "-n",
        "--lines",
        metavar="N",
        default=str(default),
        help=f"so many of the {what}, or all; by default {default}",
    )


def choose_all(given: Namespace, path: str) -> None:
    """Sets the options of `add_options` to all records of a directory or a file, for commands that do not take them.

    Args:
        given: The options, which are changed.
        path: The directory or the file.
    """
    given.paths, given.since, given.until = [path], None, None
    given.level, given.logger, given.trace = None, [], None


def add_filter(parser: argparse.ArgumentParser) -> None:
    """Adds the option that gives a filter of the language of questions.

    Args:
        parser: The parser of a command.
    """
    parser.add_argument(
        "-q", "--query", metavar="FILTER", help="records that fit a filter, as those of 'unified-logger query'"
    )


def behind_filter(text: str | None, stages: str) -> str:
    """A question: stages, and a filter before them where one is given."""
    return stages if text is None else f"{text} | {stages}"


def field(name: str) -> str:
    """The name of a field, as a question has it.

    Raises:
        RefusedError: No question can name it.
    """
    if "`" in name or not name:
        raise RefusedError(f"{name!r} is no name of a field")
    return f"`{name}`"


def most(text: str) -> int | None:
    """How many rows are shown; None for all.

    Raises:
        RefusedError: It is no number.
    """
    try:
        return _arguments.most(text)
    except WrongError as wrong:
        raise RefusedError(str(wrong)) from None


def ask(question: str, is_utc: bool, directory: str) -> _core.Query:
    """Reads a question.

    Args:
        question: Its text.
        is_utc: Whether times without an offset are UTC, and not local.
        directory: The directory whose programs may have named levels.

    Raises:
        RefusedError: It is none. The text shows the place.
    """
    try:
        question.encode()
    except UnicodeEncodeError:
        raise RefusedError("the question is not UTF-8") from None
    try:
        return _core.Query(question, is_utc, _core.named_levels(directory))
    except ValueError as wrong:
        what, start, end = wrong.args
    line = " ".join(question.splitlines()) if "\n" in question else question
    marks = " " * start + "^" * max(1, end - start)
    raise RefusedError(f"{what}\n  {line}\n  {marks}")


def _time(text: str | None, name: str, is_utc: bool) -> int | None:
    if text is None:
        return None
    try:
        return _times.nanoseconds(f"--{name}", text, utc=is_utc)
    except WrongError as wrong:
        raise RefusedError(str(wrong)) from None


def files(given: Namespace, query: _core.Query, *, follow: bool) -> _core.LogFiles:
    """Opens the files, and leaves out early what neither the options nor the question want.

    Raises:
        RefusedError: An option is wrong, or the files cannot be read.
    """
    start, end, least, logger, trace, text = query.hints
    since, until = _time(given.since, "since", given.utc), _time(given.until, "until", given.utc)
    level = None
    if given.level is not None:
        level = _core.level_number(directory_of(given.paths), given.level.strip())
        if level is None:
            raise RefusedError(f"--level {given.level!r} is no level: write {levels.ALLOWED}")
    try:
        loggers = [_arguments.logger(name) for name in given.logger]
    except WrongError as wrong:
        raise RefusedError(str(wrong)) from None
    loggers = [] if "" in loggers else loggers
    if not given.logger and logger is not None:
        loggers = [logger]
    if given.trace == "":
        raise RefusedError("--trace needs an id")
    directory, names = _arguments.places(given.paths)
    try:
        return _core.LogFiles(
            directory,
            names,
            (later(since, start), sooner(until, end)),
            later(level, least) or None,
            [],
            loggers,
            given.trace or trace,
            text,
            [],
            follow,
            None,
            [query],
            len(names) != 1,
        )
    except OSError as error:
        raise RefusedError(str(error)) from None


def later(one: int | None, other: int | None) -> int | None:
    """The larger of two bounds, of which each may be none."""
    return one if other is None else other if one is None else max(one, other)


def sooner(one: int | None, other: int | None) -> int | None:
    """The smaller of two bounds, of which each may be none."""
    return one if other is None else other if one is None else min(one, other)


def directory_of(paths: list[str]) -> str:
    """The directory whose programs may have named levels."""
    return _arguments.places(paths)[0]


def answer(query: _core.Query, found: _core.LogFiles, frame: float | None) -> Iterator[list[bytes]]:
    """The lines that come out, as long as there are some.

    Args:
        query: The question.
        found: The files.
        frame: After so many seconds an empty list comes, so that a table can be drawn; None for files that are not followed.
    """
    drawn = time.monotonic()
    progress = Progress()
    while True:
        try:
            lines, is_last, _ = query.ask(found, _SLICE)
        except OSError as error:
            raise RefusedError(str(error)) from None
        if lines:
            yield lines
        now = time.monotonic()
        if frame is not None and now - drawn >= frame:
            drawn = now
            yield []
        if frame is None and not lines:
            progress.show(lambda: f"{query.told()[0]:,} records searched")
        if is_last:
            break
    progress.clear()


def quoted(text: str) -> str:
    """A text as a value in a question."""
    return "'{}'".format(text.replace("\\", "\\\\").replace("'", "\\'"))


def rows(question: str, given: Namespace) -> tuple[list[list[Any]], list[str]]:
    """The rows of the answer to a question, and what they lack, in sentences.

    Raises:
        RefusedError: The files cannot be read.
    """
    query = ask(question, given.utc, directory_of(given.paths))
    found = files(given, query, follow=False)
    for _ in answer(query, found, None):
        pass
    _note_unread(given, found)
    return query.table()[1], said([*query.told()[2], *found.remarks()])


def records(trace: str, given: Namespace, remarks: list[str]) -> Iterator[_core.ReadRecord]:
    """The records of a trace.

    Args:
        trace: Its id.
        given: The options.
        remarks: Takes what was noticed.

    Raises:
        RefusedError: The files cannot be read.
    """
    query = ask(f"trace_id = {quoted(trace)}", given.utc, directory_of(given.paths))
    found = files(given, query, follow=False)
    is_last = False
    while not is_last:
        try:
            batch, is_last, _ = found.read(_SLICE)
        except OSError as error:
            raise RefusedError(str(error)) from None
        yield from batch
    remarks += said(found.remarks())
    _note_unread(given, found)


def _note_unread(given: Namespace, files: _core.LogFiles) -> None:
    given.has_unread = files.has_unread or getattr(given, "has_unread", False)


def status(is_found: bool, given: Namespace) -> int:
    """The exit status of a command that has asked for `rows` or `records`: 2 if something could not be read, else that of `grep`.

    Args:
        is_found: Whether there was something.
        given: The options with which it was asked.
    """
    return 2 if getattr(given, "has_unread", False) else 0 if is_found else 1


def said(remarks: list[str]) -> list[str]:
    """Remarks for standard error."""
    others, without_index = _remarks.parted(remarks)
    return others + _remarks.without_index(without_index)


def number_of(level: str) -> int:
    """The number of a level; 0 if nobody knows it."""
    try:
        return levels.parse(level)
    except ValueError:
        return 0


def is_colourful(is_terminal: bool) -> bool:
    """Whether what is printed may have colours."""
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
