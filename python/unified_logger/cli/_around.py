"""Finds what is around records: the rest of their traces, or what was logged shortly before and after them."""

from __future__ import annotations

from collections import deque

from .. import _core
from . import _questions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Wanted = tuple[int | None, int | None, int | None, list[str], str | None, bool]

# So many traces, or records that are not in one stretch of time, at most.
_MOST = 2_000
_SLICE = 0.1
_SECOND = 1_000_000_000


def question(
    directory: str,
    files: list[str],
    wanted: Wanted,
    last: int | None,
    questions: list[_core.Query],
    around: str | int,
) -> tuple[str, list[str]] | None:
    """The filter that lets through the records that fit, and what is around them.

    Args:
        directory: The directory.
        files: The files; none for all of the directory.
        wanted: The conditions of options: times, level, loggers and trace.
        last: How many of the records that fit count, from the end; None for all.
        questions: Further conditions.
        around: `trace` for their traces, or so many nanoseconds before and after each.

    Returns:
        The text of the filter, and what was noticed; None if no record fits.

    Raises:
        OSError: The files cannot be read.
    """
    since, until, level, loggers, trace, is_start = wanted
    questions = list(questions)
    if trace is not None and is_start:
        questions.append(_questions.ask(f"trace_id = {trace}*", True, directory))
        trace = None
    found = _core.LogFiles(
        directory, files, (since, until), level, [], loggers, trace, None, [], False, None, questions, True
    )
    records = deque(_records(found), maxlen=_MOST + 1 if last is None else min(last, _MOST + 1))
    if not records:
        return None
    remarks = []
    if len(records) > _MOST:
        records.popleft()
        remarks.append(f"only what is around the last {_MOST} of these records is shown")
    if around == "trace":
        ids = {trace_id for _, trace_id in records if trace_id}
        times = {time for time, trace_id in records if not trace_id and time is not None}
        parts = [f"trace_id in ({', '.join(map(_questions.quoted, sorted(ids)))})"] if ids else []
        # A record without a trace stands for itself.
        parts += [f"(time = '{_iso(time)}' and not trace_id exists)" for time in sorted(times)]
        return (" or ".join(parts), remarks) if parts else None
    assert isinstance(around, int)
    stretches: list[list[int]] = []
    for time in sorted(time for time, _ in records if time is not None):
        if stretches and time - around <= stretches[-1][1]:
            stretches[-1][1] = time + around
        else:
            stretches.append([time - around, time + around])
    if not stretches:
        return None
    parts = [f"(time >= '{_iso(begin)}' and time <= '{_iso(end)}')" for begin, end in stretches]
    if len(parts) == 1:
        return parts[0], remarks
    # Readers leave files out by the first and the last time.
    whole = f"time >= '{_iso(stretches[0][0])}' and time <= '{_iso(stretches[-1][1])}'"
    return f"{whole} and ({' or '.join(parts)})", remarks


def _records(found: _core.LogFiles) -> Iterator[tuple[int | None, str | None]]:
    """The times and the traces of records."""
    is_last = False
    while not is_last:
        batch, is_last, _ = found.read(_SLICE)
        for record in batch:
            # Ids that stand behind a path, as Google has them, are asked without it.
            yield record.nanoseconds, record.trace_id and record.trace_id.rpartition("/")[2]


def _iso(nanoseconds: int) -> str:
    """A time with all of its digits."""
    return f"@{nanoseconds // _SECOND}.{nanoseconds % _SECOND:09}"
