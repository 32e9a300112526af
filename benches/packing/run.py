"""Measures calls while files are packed, beside calls while none is, in turn, and tells the medians of the ratios.

python -m packing.run           five rounds, in two minutes
python -m packing.run --full    fifteen rounds; writes the table in docs/files.md
python -m packing.run --short   one short round; writes nothing
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared import DOCS, HERE, fill, install, machine, parser

from .kinds import KINDS

BYTES = 128 << 20  # of each file that is packed
LEAST = 100_000  # packed bytes without which a round says nothing: other processes had every core
Seen = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A figure beside that of a run in which nothing is packed."""

    what: str
    kind: str
    path: tuple[str, ...]
    bound: float
    more: bool = False  # more is better

    def ratios(self, rounds: list[dict[str, Seen]]) -> list[float]:
        """Of two runs of each round in which anything was packed meanwhile."""
        phase = "paced" if self.path[0] == "paced" else "tight"
        beside = [seen for seen in rounds if seen[self.kind]["beside"][phase] >= LEAST]
        return [self._value(seen[self.kind]) / self._value(seen["plain"]) for seen in beside]

    def _value(self, seen: Any) -> float:
        for key in self.path:
            seen = seen[key]
        return float(seen)

    def line(self, rounds: list[dict[str, Seen]]) -> str:
        """A row of the table."""
        ratios = self.ratios(rounds)
        bound = f"{'≥' if self.more else '≤'} {self.bound:g}"
        if not ratios:
            return f"| {self.what} | {bound} | – | – | nothing was packed meanwhile |"
        median = statistics.median(ratios)
        is_reached = median >= self.bound if self.more else median <= self.bound
        spread = f"{len(ratios)}: {min(ratios):.2f} to {max(ratios):.2f}"
        return f"| {self.what} | {bound} | {median:.2f} | {spread} | {'reached' if is_reached else 'not reached'} |"


ROWS = [
    Row("call, tight loop", "packing", ("call",), 1.05),
    Row("records a second, to disk", "packing", ("rate",), 0.9, more=True),
    Row("p99.9 of calls, 20,000/s", "packing", ("paced", "p99.9"), 1.1),
    Row("p99.9 of calls, 20,000/s, with so many files waiting that packing does not pause", "backlog", ("paced", "p99.9"), 1.1),
]  # fmt: skip


def template(folder: Path) -> Path:
    """A file of lines as this library writes them, all of them different."""
    path = folder / "template"
    with path.open("w", encoding="utf-8") as file:
        number = 0
        while file.tell() < BYTES:
            record = {
                "timestamp": f"2026-02-19T{number // 3_600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.{number % 1_000_000:06}+00:00",
                "level": "ERROR" if number % 50 == 0 else "INFO",
                "logger": "wechat_backend.api",
                "message": "API 请求处理",
                "trace_id": f"{number * 0x9E3779B97F4A7C15 % 2**128:032x}",
                "latency_ms": number * 7919 % 997,
                "user_id": f"user_{number % 9_973}",
            }
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            number += 1
    return path


def run(kind: str, seconds: float, template: Path, folder: Path) -> Seen | str:
    """One run in a process of its own. A text says why it failed."""
    with tempfile.TemporaryDirectory(dir=folder) as logs:
        command = [sys.executable, "-m", "packing.stage", kind, str(seconds), str(template), logs]
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            return (done.stderr or done.stdout).strip().rpartition("\n")[2]
        seen: Seen = json.loads(done.stdout)
        return seen if seen["lines"] == seen["asked"] else f"{seen['lines']:,} lines of {seen['asked']:,}"


def table(rounds: list[dict[str, Seen]]) -> str:
    """The medians of the ratios of each round."""
    rows = ["| beside the same without | reach | median | rounds | verdict |", "| --- | ---: | ---: | ---: | --- |"]
    rows += [row.line(rounds) for row in ROWS]
    return "\n".join(rows)


def main() -> int:
    """Run the command.

    Returns:
        The exit code: 1 when a run failed or lost a record; never for its figures.
    """
    chosen = parser(__doc__).parse_args()
    count, seconds = (15, 6.0) if chosen.full else (1, 0.5) if chosen.short else (5, 4.0)
    if failures := install(["tails"]):
        print(failures["tails"])
        return 1
    rounds: list[dict[str, Seen]] = []
    with tempfile.TemporaryDirectory() as folder:
        lines = template(Path(folder))
        for number in range(count):
            seen = {kind: run(kind, seconds, lines, Path(folder)) for kind in KINDS}
            wrong = {kind: reason for kind, reason in seen.items() if isinstance(reason, str)}
            if wrong:
                print(f"failed: {wrong}")
                return 1
            rounds.append({kind: one for kind, one in seen.items() if not isinstance(one, str)})
            beside = {kind: one["beside"] for kind, one in rounds[-1].items() if kind != "plain"}
            print(f"round {number + 1}: bytes of packed files made beside the calls: {beside}", flush=True)
    print(f"\n{table(rounds)}\n")
    if chosen.full:
        fill(DOCS / "files.md", "packing", f"{machine(['tails'])}\n\n{table(rounds)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
