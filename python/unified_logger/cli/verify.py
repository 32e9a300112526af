"""`unified-logger verify [DIR|FILE …]`: reads log files whole, and says what is damaged and where."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from .. import _core
from . import COMMANDS, _arguments, _questions
from ._progress import Progress

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from typing import Any

_RED, _YELLOW, _GREEN, _END = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[0m"


def main(arguments: list[str]) -> int:
    """Runs the command.

    Args:
        arguments: Those behind the name of the command.

    Returns:
        The exit status, as `run` gives it; 2 for wrong arguments.
    """
    parser = _questions.parser(
        "verify",
        COMMANDS["verify"],
        "Checked are the parts and sums of packed files, indices, the numbers of records in the catalogue, and each line.",
    )
    parser.add_argument(
        "paths", metavar="DIR|FILE", nargs="*", help="a log directory, or log files; by default $LOG_DIR, else logs"
    )
    parser.add_argument("--json", action="store_true", help="print an object of JSON for each file")
    return run(_questions.parsed(parser, arguments))


def run(given: Namespace) -> int:
    """Checks the files.

    Returns:
        0 if all are whole, 1 if there is only what costs no record, such as a damaged index, 2 if something is damaged or cannot be read.
    """
    worst = 0
    count = lines = 0
    try:
        found = _files(given.paths or [_arguments.log_directory()])
    except OSError as error:
        print(f"unified-logger verify: {error}", file=sys.stderr)
        return 2
    if not found:
        print("unified-logger verify: there is no log file", file=sys.stderr)
        return 1
    for told in _checked(found):
        count += 1
        lines += told.get("lines", 0)
        worst = max(worst, {"ok": 0, "warning": 1, "damaged": 2}[told["result"]])
        sys.stdout.write(f"{json.dumps(told, ensure_ascii=False)}\n" if given.json else _drawn(told))
        sys.stdout.flush()
    if not given.json:
        what = ("all is whole", "no record is damaged", "something is damaged")[worst]
        print(f"{count:,} {'file' if count == 1 else 'files'}, {lines:,} {'line' if lines == 1 else 'lines'}: {what}")
    return worst


def _files(paths: list[str]) -> list[tuple[str, str, dict[str, Any] | None]]:
    """The directory and the name of each file, and what the catalogue knows of it: the oldest of each set first.

    Raises:
        OSError: A directory cannot be read, or a file is not there.
    """
    found: list[tuple[str, str, dict[str, Any] | None]] = []
    known: dict[str, dict[str, dict[str, Any]]] = {}
    for path in paths:
        is_directory = os.path.isdir(path)
        directory = path if is_directory else os.path.dirname(path) or "."
        if directory not in known:
            known[directory] = {file["name"]: file for file in _core.known_files(directory, False)[2]}
        if is_directory:
            names = [name for name in os.listdir(path) if _is_log(os.path.join(path, name))]
            order = {name: at for at, name in enumerate(known[directory])}
            names.sort(key=lambda name: (_set_of(name), order.get(name, len(order)), name))
        else:
            os.stat(path)
            names = [os.path.basename(path)]
        found += ((directory, name, known[directory].get(name)) for name in names)
    return found


def _set_of(name: str) -> str:
    return name.partition(".log")[0]


def _is_log(path: str) -> bool:
    name = os.path.basename(path)
    if name.startswith(".") or not os.path.isfile(path) or os.path.islink(path):
        return False
    current = f"{_set_of(name)}.log"
    return name.endswith(".log") or (".log" in name and _core.is_rotated(current, name))


def _checked(found: list[tuple[str, str, dict[str, Any] | None]]) -> Iterator[dict[str, Any]]:
    progress, read = Progress(), 0

    def tell(count: int) -> None:
        nonlocal read
        read += count
        progress.show(lambda: f"{read / 1e6:,.0f} MB read")

    before: dict[tuple[str, str], tuple[str, int]] = {}
    for directory, name, known in found:
        expected = None if known is None else (known["generation"], known["bytes"], known["sequence"])
        told: dict[str, Any] = {"file": os.path.join(directory, name)}
        try:
            told |= _core.check_file(directory, name, expected, tell)
        except FileNotFoundError:
            continue  # It was rotated or deleted since.
        except OSError as error:
            told |= {"faults": [(str(error), None, None, None, False)], "fault_count": 1}
        faults = told["faults"]
        if told.get("sequence") is not None and known is not None:
            first, after = told["sequence"]
            key = directory, known["set"]
            last = before.get(key)
            if last is not None and last[1] != first:
                # What retention has deleted is at the beginning of a set. A gap inside is a file that somebody has removed.
                what = "are missing" if first > last[1] else "have two places"
                low, high = sorted((first, last[1]))
                sentence = f"records {low} to {high - 1} {what} between {last[0]} and this file"
                faults.append((sentence, None, None, None, False))
                told["fault_count"] += 1
            before[key] = name, after
        told["faults"] = [
            dict(zip(("what", "line", "offset", "part", "harmless"), fault, strict=True)) for fault in faults
        ]
        is_damaged = any(not fault["harmless"] for fault in told["faults"]) or told["fault_count"] > len(faults)
        told["result"] = "damaged" if is_damaged else "warning" if faults else "ok"
        progress.clear()
        yield told


def _drawn(told: dict[str, Any]) -> str:
    red, yellow, green, end = (
        (_RED, _YELLOW, _GREEN, _END) if _questions.is_colourful(sys.stdout.isatty()) else ("", "", "", "")
    )
    color = {"ok": green, "warning": yellow, "damaged": red}[told["result"]]
    name = _core.escape_text(told["file"])
    line = f"{color}{told['result']:8}{end} {name}"
    if "lines" in told:
        more = f", {told['passed']} too long to be checked" if told["passed"] else ""
        lines = (
            "empty"
            if told["form"] == "empty"
            else f"{told['lines']:,} {'line' if told['lines'] == 1 else 'lines'} of {told['form']}"
        )
        line += f": {lines}, {told['kind']}{more}"
    text = f"{line}\n"
    for fault in told["faults"]:
        place = [f"{what} {fault[what]:,}" for what in ("line", "part", "offset") if fault[what] is not None]
        where = f"{', '.join(place)}: " if place else ""
        text += f"  {where}{_core.escape_text(fault['what'])}\n"
    if told["fault_count"] > len(told["faults"]):
        text += f"  and {told['fault_count'] - len(told['faults']):,} more\n"
    return text
