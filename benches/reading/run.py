"""Measures how long it takes to find records again, beside other programs over the same files, and checks that all find the same.

python -m reading.run           60 packed files, in a minute
python -m reading.run --full    1,000 packed files; writes the table in docs/reading.md
python -m reading.run --short   3 packed files; writes nothing
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from shared import DOCS, fill, machine, parser, printed

from .files import FILE, SERIOUS, TRACE
from .search import forget

ALL = 1_000  # files, of which the times are asked for
COLD, WARM, TIMES = 0.1, 0.02, 50  # seconds, and how many times as fast as others
SCAN, BEHIND = 1.5, 2.5  # GB/s, and how many times as fast `rg` may be
Seen = dict[str, Any]


def searched(folder: Path, found: int, *, cold: int, warm: int, **conditions: object) -> Seen:
    """A search with this library, which has to find so many records."""
    seen = printed("reading.search", folder, cold, warm, json.dumps(conditions))
    if seen["found"] != found:
        raise RuntimeError(f"{conditions}: {seen['found']} records of {found}")
    return seen


def by(words: str, folder: Path, found: int, runs: int, cold: bool) -> float | None:
    """The least time of another program that counts or prints lines, in seconds. None where it is not installed."""
    if shutil.which(words.split()[0]) is None:
        return None
    times = []
    for _ in range(runs):
        if cold:
            forget(folder)
        began = time.perf_counter()
        done = subprocess.run(["sh", "-c", words], cwd=folder, capture_output=True, text=True, timeout=900, check=False)
        times.append(time.perf_counter() - began)
        lines = done.stdout.split()
        count = int(lines[0]) if len(lines) == 1 and lines[0].isdigit() else done.stdout.count("\n")
        if count != found:
            raise RuntimeError(f"{words}: {count} lines of {found}: {done.stderr}")
    return min(times)


def verdict(is_reached: bool) -> str:
    """In the words of the other benches."""
    return "reached" if is_reached else "not reached"


def in_packed(folder: Path, files: int) -> list[str]:
    """One trace in packed files."""
    made = printed("reading.files", folder, files, 0)
    if made["packed"] < files:
        raise RuntimeError(f"{made['packed']} packed files of {files}")
    trace = made["trace"]
    seen = searched(folder, TRACE, cold=3, warm=10, trace_id=trace)
    commands = {"rg -z": f"rg -z --no-filename {trace} app.log.*.zst", "zstdgrep": f"zstdgrep -h {trace} app.log.*.zst"}
    others = {name: by(words, folder, TRACE, 1, cold=True) for name, words in commands.items()}
    there = {name: took for name, took in others.items() if took is not None}
    beside = ", ".join(f"`{name}` {took * 1e3:,.0f} ms ({took / seen['cold']:.0f} x)" for name, took in there.items())
    is_fast = bool(there) and all(took >= TIMES * seen["cold"] for took in there.values())
    rows = []
    for what, kind, bound, note in (
        ("nothing in memory", "cold", COLD, beside or "not installed"),
        ("again", "warm", WARM, ""),
    ):
        reach = f"≤ {bound * 1e3:.0f} ms" + (f", others ≥ {TIMES} x" if kind == "cold" else "")
        is_reached = seen[kind] <= bound and (is_fast or kind == "warm")
        # Fewer files say nothing about so many.
        reach, told = (reach, verdict(is_reached)) if files >= ALL else ("–", "–")
        of = f"one trace in {files:,} packed files of {FILE // 1_000_000} MB, {what}"
        rows.append(f"| {of} | {reach} | {seen[kind] * 1e3:.1f} ms | {note} | {told} |")
    return rows


def in_plain(folder: Path, length: int, runs: int) -> list[str]:
    """Lines of a plain file, without an index."""
    made = printed("reading.files", folder, 0, length)
    serious = sum(1 for number in range(made["records"]) if number % SERIOUS == SERIOUS // 2)
    lines = (folder / "app.log").open(encoding="utf-8")
    records = [json.loads(next(lines)) for _ in range(2)]
    lines.close()
    until = records[1]["timestamp"]
    order = f'"order_id":{1_000_000 + made["records"] // 2}'
    cases: list[tuple[str, int, dict[str, object], str]] = [
        ("level", serious, {"level": "CRITICAL"}, '"level":"CRITICAL"'),
        ("time", 1, {"until": until}, records[0]["timestamp"]),
        ("text", 1, {"text": order}, order),
    ]
    rows = []
    for what, found, conditions, text in cases:
        seen = searched(folder, found, cold=0, warm=runs, **conditions)
        rate = made["bytes"] / 1e9 / seen["warm"]
        took = by(f"rg -j1 --no-mmap -c -F '{text}' app.log", folder, found, runs, cold=False)
        beside = f"`rg` for the bare text {made['bytes'] / 1e9 / took:.1f} GB/s" if took else "not installed"
        is_reached = rate >= SCAN and (took is None or seen["warm"] <= BEHIND * took)
        rows.append(
            f"| lines of a plain file by {what} | ≥ {SCAN} GB/s, `rg` ≤ {BEHIND} x | {rate:.1f} GB/s | {beside} | {verdict(is_reached)} |"
        )
    return rows


def main() -> int:
    """Run the command.

    Returns:
        The exit code: 1 when a search failed or found other records; never for its figures.
    """
    chosen = parser(__doc__).parse_args()
    files, length, runs = (
        (ALL, 400 << 20, 7) if chosen.full else (3, 8 << 20, 2) if chosen.short else (60, 200 << 20, 5)
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = in_packed(Path(folder), files)
        with tempfile.TemporaryDirectory() as folder:
            rows += in_plain(Path(folder), length, runs)
    except RuntimeError as failed:
        print(f"failed: {failed}")
        return 1
    heads = ["| what | reach | this library | others | verdict |", "| --- | --- | ---: | --- | --- |"]
    table = "\n".join([*heads, *rows])
    print(f"\n{table}\n")
    if chosen.full:
        fill(DOCS / "reading.md", "reading", f"{machine([])}\n\n{table}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
