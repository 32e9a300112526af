"""`unified-logger stats [DIR]`: how many records there are, of which levels and loggers, when, what failed and what was left out."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from .. import _core
from . import _arguments, _counters, _questions, _table

if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

_HELP = "count the records of a log directory by level, logger and time, without reading files that have an index"
_APP, _ERRORS = "app.log", "errors.log"
_SHOWN = 10
# Kinds of errors are read from their file, unless it is larger.
_ERROR_BYTES = 64 << 20
# What the counters of the directory tell, by the names of their series.
_LEFT_OUT = {
    "records_discarded_total": "dropped",
    "records_filtered_total": "kept out by sampling or a filter",
    "sampling_suppressed_total": "  of these left out by count: a later record tells of each",
    "records_failed_total": "failed",
    "records_recovered_total": "recovered after their process died",
}


def main(arguments: list[str]) -> int:
    """Runs the command.

    Args:
        arguments: Those behind the name of the command.

    Returns:
        The exit status, as `run` gives it; 2 for wrong arguments.
    """
    parser = _questions.parser("stats", _HELP)
    _questions.add_directory(parser)
    parser.add_argument("--errors", action="store_true", help="read the kinds of errors, however large their file is")
    parser.add_argument("--sites", action="store_true", help="read all records for the call sites that log most")
    parser.add_argument("--utc", action="store_true", help="times in UTC, not in the zone of the system")
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")
    return run(_questions.parsed(parser, arguments))


def run(given: Namespace) -> int:
    """Prints the statistics.

    Returns:
        0 if there are records, 1 if there are none, 2 if the directory cannot be read.
    """
    directory = given.directory or _arguments.log_directory()
    try:
        found, remarks = _gathered(directory, given)
    except OSError as error:
        print(f"unified-logger stats: {error}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        sys.stdout.write(_drawn(found, given))
    sys.stdout.flush()
    for remark in remarks:
        print(f"unified-logger stats: {remark}", file=sys.stderr)
    if found["unread"]:
        return 2
    return 0 if found["records"] else 1


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, timezone.utc).replace(
        microsecond=nanoseconds % 1_000_000_000 // 1000
    )


def _add(to: dict[str, int], counts: dict[str, int]) -> None:
    for name, count in counts.items():
        to[name] = to.get(name, 0) + count


def _gathered(directory: str, given: Namespace) -> tuple[dict[str, Any], list[str]]:
    """All numbers, and what was noticed.

    Raises:
        OSError: The directory cannot be read.
    """
    files, span, spans, remarks = _core.survey_files(directory, [], _APP)
    by_set: dict[str, dict[str, Any]] = {}
    for name, _, lines, size, stored, times, levels, loggers, is_indexed in files:
        entry = by_set.setdefault(
            name,
            {"files": 0, "records": 0, "bytes": 0, "stored_bytes": 0, "indexed": 0, "levels": {}, "loggers": {}},
        )
        entry["files"] += 1
        entry["records"] += lines
        entry["bytes"] += size
        entry["stored_bytes"] += stored
        entry["indexed"] += is_indexed
        _add(entry["levels"], levels)
        _add(entry["loggers"], loggers)
        if times is not None:
            entry["from"] = min(entry.get("from", times[0]), times[0])
            entry["to"] = max(entry.get("to", times[1]), times[1])
    # All records are in app.log; the others have copies of some. Without it, each set has its own.
    main = [by_set[_APP]] if _APP in by_set else list(by_set.values())
    whole: dict[str, Any] = {"directory": os.path.abspath(directory), "records": 0, "levels": {}, "loggers": {}}
    for entry in main:
        whole["records"] += entry["records"]
        _add(whole["levels"], entry["levels"])
        _add(whole["loggers"], entry["loggers"])
    begin = min((entry["from"] for entry in main if "from" in entry), default=None)
    end = max((entry["to"] for entry in main if "to" in entry), default=None)
    if begin is not None and end is not None:
        seconds = (end - begin) / 1e9
        whole |= {"from": _table.plain(_moment(begin)), "to": _table.plain(_moment(end)), "seconds": seconds}
        whole["per_second"] = whole["records"] / seconds if seconds > 0 else None
    for entry in by_set.values():
        for key in ("from", "to"):
            if key in entry:
                entry[key] = _table.plain(_moment(entry[key]))
    whole["sets"] = by_set
    whole["unread"] = unread = _unread(directory)
    if unread:
        remarks = [*remarks, f"{', '.join(unread)} could not be read: the numbers lack their records"]
    whole["span_seconds"] = span / 1e9
    whole["volume"] = [{"from": _table.plain(_moment(time)), "levels": levels} for time, levels in spans]
    errors = by_set.get(_ERRORS)
    if errors is not None and (given.errors or errors["bytes"] <= _ERROR_BYTES):
        whole["errors"] = _errors(directory, given, remarks)
    if given.sites:
        whole["sites"] = _sites(directory, given, remarks)
    whole["counters"] = _left_out(directory, remarks)
    return whole, remarks


def _unread(directory: str) -> list[str]:
    """Log files that this user may not read: no number has their records."""
    with os.scandir(directory) as entries:
        names = [entry.name for entry in entries if ".log" in entry.name and not entry.name.startswith(".")]
    return sorted(name for name in names if not os.access(os.path.join(directory, name), os.R_OK))


def _asked(question: str, directory: str, file: str, given: Namespace, remarks: list[str]) -> list[list[Any]]:
    _questions.choose_all(given, os.path.join(directory, file))
    try:
        rows, more = _questions.rows(question, given)
    except _questions.RefusedError as refused:
        remarks.append(str(refused))
        return []
    remarks += more
    return rows


def _errors(directory: str, given: Namespace, remarks: list[str]) -> list[dict[str, Any]]:
    """Errors by kind: those with an exception by its fingerprint, the others by their place."""
    question = (
        "count, min time as since, max time as last, first of exception.type as type, first of message as message, "
        "first of trace_id as trace by exception.fingerprint as fingerprint, module, line"
    )
    kinds: dict[str, dict[str, Any]] = {}
    for fingerprint, module, line, count, first, last, kind, message, trace in _asked(
        question, directory, _ERRORS, given, remarks
    ):
        key = fingerprint or f"{module}:{line}"
        found = kinds.setdefault(
            key,
            {"kind": key, "type": kind, "message": message, "count": 0, "first": first, "last": last, "trace": trace},
        )
        found["count"] += count
        if first is not None and (found["first"] is None or first < found["first"]):
            found |= {"first": first, "message": message, "trace": trace}
        if last is not None and (found["last"] is None or last > found["last"]):
            found["last"] = last
    ordered = sorted(kinds.values(), key=lambda found: -found["count"])
    return [{name: _table.plain(value) for name, value in found.items()} for found in ordered[:1000]]


def _sites(directory: str, given: Namespace, remarks: list[str]) -> list[dict[str, Any]]:
    """The places in the code that log most."""
    rows = _asked("count by logger, module, function, line | top 100", directory, _APP, given, remarks)
    return [dict(zip(("logger", "module", "function", "line", "count"), row, strict=True)) for row in rows]


def _left_out(directory: str, remarks: list[str]) -> dict[str, Any]:
    """What the processes of the directory have counted that did not come into the files, by name and by labels."""
    try:
        counts, reasons, more = _counters.totals(directory, _LEFT_OUT)
    except OSError as error:
        remarks.append(f"the counters cannot be read: {error}")
        return {}
    remarks += more
    return {**counts, **{f"{name}_by_reason": by_reason for name, by_reason in reasons.items()}}


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError


def _level_order(name: str) -> tuple[int, str]:
    return (_questions.number_of(name), name)


def _drawn(found: dict[str, Any], given: Namespace) -> str:
    def table(columns: list[str], rows: list[list[Any]]) -> str:
        return _table.for_output(columns, rows, is_utc=given.utc)

    parts = [f"{found['directory']}: {found['records']:,} records"]
    if "from" in found:
        begin, end = (_table.cell_text(datetime.fromisoformat(found[key]), given.utc) for key in ("from", "to"))
        rate = found["per_second"]
        parts[0] += f", {begin} to {end}" + (f", {rate:,.1f} a second" if rate else "")
    sets = [
        [name, entry["files"], entry["records"], _size(entry["bytes"]), _size(entry["stored_bytes"])]
        for name, entry in found["sets"].items()
    ]
    parts.append(table(["set", "files", "records", "size", "stored"], sets))
    total = max(found["records"], 1)
    levels = sorted(found["levels"].items(), key=lambda pair: _level_order(pair[0]))
    parts.append(
        table(["level", "records", "share"], [[name, count, f"{count / total:.1%}"] for name, count in levels])
    )
    loggers = sorted(found["loggers"].items(), key=lambda pair: (-pair[1], pair[0]))
    if loggers:
        more = [["(others)", sum(count for _, count in loggers[_SHOWN:])]] if loggers[_SHOWN:] else []
        parts.append(table(["logger", "records"], [*map(list, loggers[:_SHOWN]), *more]))
    if len(found["volume"]) > 1:
        rows = [
            [datetime.fromisoformat(span["from"]), sum(span["levels"].values())] for span in found["volume"]
        ]  # fmt: skip
        parts.append(table([f"from, {_length(found['span_seconds'])} each", "records"], rows))
    if found.get("errors"):
        rows = [
            [each["kind"], each["count"], _time(each["first"]), each["type"] or "-", each["message"], each["trace"]]
            for each in found["errors"][:_SHOWN]
        ]
        parts.append(table(["error", "count", "first", "type", "message", "first trace"], rows))
    if found.get("sites"):
        rows = [
            [f"{each['module']}:{each['line']}", each["function"], each["count"]] for each in found["sites"][:_SHOWN]
        ]
        parts.append(table(["place", "function", "records"], rows))
    left_out = [
        [said, found["counters"].get(name, 0)] for name, said in _LEFT_OUT.items() if found["counters"].get(name)
    ]
    if left_out:
        parts.append(table(["not in the files as they were logged", "count"], left_out))
    for name, count in found["counters"].get("records_discarded_total_by_reason", {}).items():
        parts.append(f"dropped because of {name}: {count:,}")
    return "\n".join(part if part.endswith("\n") else f"{part}\n" for part in parts)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _length(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
