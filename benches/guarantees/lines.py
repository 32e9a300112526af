"""Counts what is on disk against the ledger."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .ledger import RAISED, RETURNED, Ledger

FOUND = re.compile(r"w=(\d+) n=(\d+) end")
# A whole line of text: what the format puts before the message, or the bare message from a library that ignores its formatter.
TEXT = re.compile(r"([\d.]+ INFO app \d+ (?:(?! INFO app ).)*|%d items |)w=\d+ n=\d+ end\s*")


@dataclass
class Outcome:
    """What an event did to one library."""

    asked: int = 0  # calls that returned
    lost: int = 0  # of those, not on disk
    doubled: int = 0  # lines beyond the first of a record
    torn: int = 0  # lines that are not whole
    forged: int = 0  # whole lines of records that nobody logged
    raised: int = 0  # calls that raised into the caller
    over: int = 0  # files beyond their bound
    ended: list[str] = field(default_factory=list)  # processes that ended otherwise than the event wants
    remarks: list[str] = field(default_factory=list)  # what the event itself found wanting
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        """Whether nothing went wrong."""
        return self.asked > 0 and not self.troubles()

    def troubles(self) -> list[str]:
        """What went wrong, in few words."""
        counts = {
            "lost": self.lost,
            "doubled": self.doubled,
            "torn": self.torn,
            "forged": self.forged,
            "raised": self.raised,
            "files over bound": self.over,
        }
        return [
            *dict.fromkeys(self.ended),
            *(f"{number:,} {word}" for word, number in counts.items() if number),
            *self.remarks,
        ]

    def cell(self) -> str:
        """The same for a table."""
        if self.kept:
            return f"all {self.asked:,}"
        troubles = self.troubles()
        return ", ".join(troubles) + (f" of {self.asked:,}" if self.lost else "") if troubles else "nothing logged"

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {key: value for key, value in asdict(self).items() if value or key in ("asked", "lost")}


def message(line: str, form: str) -> str | None:
    """The message of a whole line, None for one that is torn or mixed."""
    if form == "text":
        return line if TEXT.fullmatch(line) and len(FOUND.findall(line)) == 1 else None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict):
        return None
    inner = record.get("record", record)  # loguru keeps the record beside its text
    return str(inner["message"]) if "message" in inner else None


def count(paths: list[Path], form: str, ledger: Ledger, bound: int = 0) -> Outcome:
    """Read every line of these files."""
    found: Counter[tuple[int, int]] = Counter()
    outcome = Outcome()
    for path in paths:
        size = path.stat().st_size
        if bound and size > bound:
            outcome.over += 1
            outcome.notes["largest file, bytes"] = max(size, outcome.notes.get("largest file, bytes", 0))
        for raw in path.read_bytes().split(b"\n"):
            if not raw:
                continue
            said = message(raw.decode("utf-8", "replace"), form)
            if said is None:
                outcome.torn += 1
            elif match := FOUND.search(said):
                found[int(match[1]), int(match[2])] += 1
    calls = ledger.calls()
    asked = {call for call, state in calls.items() if state == RETURNED}
    outcome.asked = len(asked)
    outcome.raised = sum(state == RAISED for state in calls.values())
    outcome.lost = len(asked - found.keys())
    outcome.doubled = sum(number - 1 for number in found.values())
    outcome.forged = len(found.keys() - calls.keys())
    return outcome
