"""`unified-logger tail [DIR|FILE …]`: the last records of log files, and those that follow."""

from __future__ import annotations

import os
import sys

from .. import _core
from . import _arguments, _remarks, _screen
from ._arguments import Given, Option, WrongError

_USAGE = "unified-logger tail [OPTION …] [DIR|FILE …]"
_SENTENCES = (
    "Shows the last records of a log directory: those of all its files, rotated and packed ones too, in order of time. A record that goes to "
    "several files is shown once. DIR is $LOG_DIR or logs if none is named. FILE is a log file with those that were rotated, or one rotated "
    "file; - is standard input."
)
_END = """times: now, today, yesterday, 10:30, 2026-02-19, '2026-02-19 10:30', ISO 8601, -10m, -1h30m, '2h ago', @SECONDS

exit status: 0 if records were shown, 1 if none was found, 2 for trouble"""
_LAST = 50
_LAST_BEFORE_FOLLOWING = 10
_FORMATS = ("text", "short", "json", "csv", "fields")
_TABLES = ("csv", "fields")
# How long the engine waits at most before signals are looked at, seconds.
_SLICE = 0.1
_PIECE = 1 << 16
_ID, _SHORT_ID = 32, 8
_HEXADECIMAL = set("0123456789abcdef")

OPTIONS = (
    Option("-f, --follow", None, "go on with records as they are written"),
    Option(
        "-n, --lines",
        "N",
        f"so many of the last records, or all. {_LAST} where nothing else is said; {_LAST_BEFORE_FOLLOWING} with -f; all with -S, -t and -",
    ),
    Option("-l, --level", "LEVEL", "records of this level and above, by its name or number"),
    Option(
        "-L, --logger",
        "NAME",
        "records of this logger and of those below: shop or 'shop.*'; several may be given",
        many=True,
    ),
    Option("-S, --since", "TIME", "records from this time on"),
    Option("-U, --until", "TIME", "records before this time"),
    Option("-g, --grep", "REGEX", "records whose line fits a regular expression; (?i) at its beginning for any case"),
    Option("-q, --query", "FILTER", "records that fit a filter, as those of 'unified-logger query'"),
    Option("-C, --context", None, "with each of these records, all others of its trace"),
    Option("--around", "TIME", "with each of these records, all others of so long before and after it: 5s, 2m"),
    Option("-t, --trace", "ID", "records of this trace, by its id or the first eight characters of that"),
    Option(
        "-o, --output",
        "FORMAT",
        "text as on the console, short (one line each), json (lines as they are), csv, or fields (tabs between values)",
        allowed=_FORMATS,
    ),
    Option("--fields", "NAMES", "what csv and fields show: names with commas between them; a.b is b inside of a"),
    Option("-r, --reverse", None, "the newest first"),
    Option("-x, --exceptions", None, "exceptions with all of their lines, and stacks"),
    Option("--utc", None, "times in UTC, both shown and given; otherwise they are local"),
    Option("--color", "WHEN", "auto, always or never", allowed=("auto", "always", "never")),
    Option("--no-pager", None, "show it at once, also on a terminal"),
    _arguments.HELP,
)


def main(arguments: list[str]) -> int:
    """Shows records.

    Args:
        arguments: Those behind the name of the command.

    Returns:
        0 if records were shown, 1 if none was found, 2 if the arguments are wrong or something cannot be read.
    """
    try:
        given = _arguments.read(arguments, OPTIONS)
        if given.has("help"):
            print(_arguments.help_of(_USAGE, _SENTENCES, OPTIONS, _END), end="")
            return 0
        return _Tail(given).run()
    except WrongError as wrong:
        _say(f"{wrong}\n'unified-logger tail --help' tells what it takes")
        return 2


def _say(text: str) -> None:
    harmless = "\n".join(_core.escape_text(line) for line in text.split("\n"))
    print(f"unified-logger tail: {harmless}", file=sys.stderr, flush=True)


def _question(text: str, option: str, utc: bool, directory: str) -> _core.Query:
    """A filter. An expression is one of its conditions."""
    from . import _questions

    if option == "--grep":
        text = "~ '{}'".format(text.replace("\\", "\\\\").replace("'", "\\'"))
    try:
        query = _questions.ask(text, utc, directory)
    except _questions.RefusedError as refused:
        raise WrongError(f"{option}: {refused}") from None
    if not query.is_filter:
        raise WrongError(f"{option} takes a filter without stages: 'unified-logger query' has these")
    return query


class _Tail:
    """What was asked for."""

    def __init__(self, given: Given) -> None:
        self._utc = given.has("utc")
        self._follows = given.has("follow")
        self._is_newest_first = given.has("reverse")
        if self._follows and self._is_newest_first:
            raise WrongError("-f and -r do not go together: what follows comes last")
        self._is_piped = given.operands == ["-"]
        if not self._is_piped and "-" in given.operands:
            raise WrongError("- is standard input, which is read alone")
        if self._is_piped and self._is_newest_first:
            raise WrongError("-r needs files: standard input cannot be read backwards")
        self._directory, self._files = _places(given.operands)
        self._format = given.text("output") or "text"
        self._wanted = self._wanted_of(given)
        self._questions = self._questions_of(given)
        self._last = self._last_of(given)
        self._around = self._around_of(given)
        self._is_terminal = _screen.is_terminal()
        self._pages = self._is_terminal and not (self._follows or self._is_piped or given.has("no_pager"))
        self._look = (
            self._format,
            _screen.shows_colors(given.text("color") or "auto", self._is_terminal),
            self._is_terminal,
            _screen.columns(self._follows) if self._is_terminal else None,
            self._utc,
            given.has("exceptions"),
            self._fields_of(given),
        )

    def _time_of(self, key: str, given: Given) -> int | None:
        text = given.text(key)
        if text is None:
            return None
        from . import _times

        return _times.nanoseconds(f"--{key}", text, utc=self._utc)

    def _wanted_of(self, given: Given) -> tuple[int | None, int | None, int | None, list[str], str | None, bool]:
        since, until = self._time_of("since", given), self._time_of("until", given)
        level = given.text("level")
        number = None
        if level is not None:
            number = _core.level_number(self._directory, level.strip())
            if number is None:
                raise WrongError(
                    f"there is no level {level!r}: it may be DEBUG, INFO, WARNING, ERROR, CRITICAL, one that a program of "
                    f"{self._directory!r} has named, or a number"
                )
        loggers = [_arguments.logger(name) for name in given.texts("logger")]
        trace = given.text("trace")
        if trace == "":
            raise WrongError("--trace needs an id")
        if trace is not None and len(trace) < _SHORT_ID and not set(trace) - _HEXADECIMAL:
            raise WrongError(
                f"--trace = {trace!r} is too short: it takes an id, or its first {_SHORT_ID} characters at least; "
                "'unified-logger trace' takes any beginning"
            )
        # What a terminal shows of an id is its beginning.
        is_start = trace is not None and _SHORT_ID <= len(trace) < _ID and not set(trace) - _HEXADECIMAL
        return since, until, number or None, [] if "" in loggers else loggers, trace, is_start

    def _questions_of(self, given: Given) -> list[_core.Query]:
        """The conditions of `-q` and `-g`."""
        asked = [(given.text("query"), "--query"), (given.text("grep"), "--grep")]
        return [_question(text, option, self._utc, self._directory) for text, option in asked if text is not None]

    def _around_of(self, given: Given) -> str | int | None:
        """What is shown with the records: `trace`, or so many nanoseconds around them."""
        length = given.text("around")
        if length is None and not given.has("context"):
            return None
        if length is not None and given.has("context"):
            raise WrongError("-C and --around do not go together")
        if self._follows or self._is_piped:
            raise WrongError("-C and --around need files that are not followed: they show what comes later, too")
        if length is None:
            return "trace"
        from . import _times

        return _times.length("--around", length)

    def _last_of(self, given: Given) -> int | None:
        """How many records are shown; None for all."""
        lines = given.text("lines")
        if lines is not None:
            return _arguments.most(lines)
        if given.has("since") or given.has("trace") or self._is_piped:
            return None
        return _LAST_BEFORE_FOLLOWING if self._follows else _LAST

    def _fields_of(self, given: Given) -> list[str]:
        text = given.text("fields")
        names = [] if text is None else [name.strip() for name in text.split(",")]
        if text is not None and not all(names):
            raise WrongError(f"--fields = {text!r} is not allowed: it must be names with commas between them")
        if text is not None and self._format not in _TABLES:
            raise WrongError(f"--fields is for -o {' and -o '.join(_TABLES)}")
        return names

    def run(self) -> int:
        """Shows what was asked for."""
        if self._is_piped:
            return self._show_piped()
        self._narrow()
        for sentence in _arguments.awaited(self._files or [self._directory]) if self._follows else ():
            _say(sentence)
        if self._around is not None:
            from . import _around

            try:
                found = _around.question(
                    self._directory, self._files, self._wanted, self._last, self._questions, self._around
                )
            except OSError as error:
                _say(str(error))
                return 2
            if found is None:
                return 1
            question, remarks = found
            for remark in remarks:
                _say(remark)
            # All that is around them, whatever they were chosen by.
            self._questions = [_question(question, "--context", True, self._directory)]
            self._wanted, self._last = (None, None, None, [], None, False), None
            self._narrow()
        try:
            shown = _core.LogText(
                self._directory,
                self._files,
                self._wanted,
                self._follows,
                self._last,
                self._is_newest_first,
                True,
                self._look,
                self._questions,
            )
        except OSError as error:
            _say(str(error))
            return 2
        with _screen.Output(self._pages) as output:
            try:
                return self._show(shown, output)
            except BrokenPipeError:
                # Who leaves a pager has seen enough.
                if output.is_paged:
                    return 0
                raise

    def _narrow(self) -> None:
        """Has the reader leave out early what the questions do not want: it has indices for that."""
        since, until, level, loggers, trace, is_start = self._wanted
        for question in self._questions:
            from . import _questions  # it is there if there is a question

            first, end, least, logger, trace_id, _ = question.hints
            since, until = _questions.later(since, first), _questions.sooner(until, end)
            level = _questions.later(level, least)
            loggers = loggers or ([] if logger is None else [logger])
            if trace is None and trace_id is not None:
                trace, is_start = trace_id, False
        self._wanted = since, until, level, loggers, trace, is_start

    def _show(self, shown: _core.LogText, output: _screen.Output) -> int:
        output.write(shown.head())
        found = without_index = 0
        is_last = False
        while not is_last:
            try:
                text, count, is_last, _ = shown.read(_SLICE)
            except OSError as error:
                _say(str(error))
                return 2
            remarks, count_without = _remarks.parted(shown.remarks())
            without_index += count_without
            for remark in remarks:
                _say(remark)
            if count:
                found += count
                output.write(text)
            elif not is_last and not output.is_read():
                raise BrokenPipeError
        for remark in _remarks.without_index(without_index):
            _say(remark)
        if shown.has_unread:
            return 2
        return 0 if found else 1

    def _show_piped(self) -> int:
        shown = _core.PipedText(self._wanted, self._last, self._look, self._questions)
        found = 0
        with _screen.Output(False) as output:
            output.write(shown.head())
            data = b" "
            while data:
                data = os.read(0, _PIECE)
                text, count = shown.feed(data)
                for remark in shown.remarks():
                    _say(remark)
                found += count
                if text:
                    output.write(text)
        return 0 if found else 1


def _places(operands: list[str]) -> tuple[str, list[str]]:
    """The directory whose levels count, and the files and directories that are read; none for all files of that directory."""
    if not operands or operands == ["-"]:
        directory = _arguments.log_directory()
        if not operands and not os.path.isdir(directory):
            raise WrongError(f"there is no directory {directory!r}: name one, or a file, or set LOG_DIR")
        return directory, []
    for operand in operands:
        if not operand:
            raise WrongError("the name of a file is empty")  # a variable that is not set
    return _arguments.places(operands)
