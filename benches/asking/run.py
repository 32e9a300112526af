"""Measures what the command line costs, beside other programs that are asked the same of the same files, and checks that all answer the same.

python -m asking.run           40 packed files and a plain one, in minutes
python -m asking.run --full    1,000 packed files; writes the table in docs/cli.md
python -m asking.run --short   3 packed files; writes nothing

One core, files in memory. Times are those of the processor, with the start of each program.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reading.files import FILE
from reading.run import verdict
from shared import DOCS, fill, machine, parser, printed

ALL = 1_000  # files, of which the figures are asked for
SCAN, BESIDE_DUCKDB = 1.5, 2  # GB/s, and how many times as fast as DuckDB
INDEXED = 10  # times as fast as a scan
STATS, STATS_BESIDE = 0.1, 50  # seconds, and how many times as fast as DuckDB
TRACE, TRACE_BESIDE = 0.1, 50  # seconds, and how many times as fast as zstdgrep
START = 1.6  # times a bare interpreter

_UNIFIED = [str(Path(sys.executable).with_name("unified-logger"))]
_DUCKDB = """
import duckdb, sys
connection = duckdb.connect(config={"threads": 1})
connection.execute("set enable_progress_bar = false")
for row in connection.sql(sys.argv[1]).fetchall():
    print(*row)
"""
Answer = Callable[[str], object]


def measured(command: list[str], folder: Path, runs: int, answer: Answer) -> tuple[float, Any]:
    """The least processor time of a program in seconds, and what it answers each time."""
    least, answers = float("inf"), []
    for _ in range(runs):
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(command, cwd=folder, stdout=out, preexec_fn=_on_one_core)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            answers.append(answer(out.read().decode()))
        if process.returncode or answers[-1] != answers[0]:
            raise RuntimeError(f"{command}: {answers}, exit status {process.returncode}")
        least = min(least, used.ru_utime + used.ru_stime)
    return least, answers[0]


def asked(command: list[str], folder: Path, runs: int, answer: Answer, expected: object) -> float:
    """The least processor time of a program in seconds, which has to answer so."""
    took, found = measured(command, folder, runs, answer)
    if found != expected:
        raise RuntimeError(f"{command}: {found} and not {expected}")
    return took


def _on_one_core() -> None:
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])


def lines(text: str) -> int:
    """How many there are."""
    return text.count("\n")


def number(text: str) -> int:
    """The only one in it."""
    return int(text.split()[-1])


def duckdb(sql: str) -> list[str]:
    """A program that asks DuckDB."""
    return [sys.executable, "-c", _DUCKDB, sql]


def by(program: str, command: list[str], folder: Path, runs: int, answer: Answer, expected: object) -> float | None:
    """The time of another program; None where it is not installed."""
    return asked(command, folder, runs, answer, expected) if shutil.which(program) else None


def in_plain(folder: Path, length: int, runs: int) -> list[str]:
    """Filters and a whole scan over one file that has no index."""
    told = printed("asking.files", folder, 0, length)
    records, size = told["records"], told["bytes"]
    path = folder / "app.log"
    with path.open("rb") as file:
        file.seek(size * 99 // 100)
        file.readline()
        offset = file.tell()
        late = json.loads(file.readline())["timestamp"]
        file.seek(offset)
        count_late = sum(json.loads(line)["timestamp"] >= late for line in file)
    order = f'"order_id":{1_000_000 + records // 2},'
    rows = []
    of_fifth = records // 5 + (records % 5 >= 1)
    cases = [
        ("level", "level=critical", told["rare"], "level", "level = 'CRITICAL'", '.level == "CRITICAL"'),
        ("logger", "logger=shop.db.pool", of_fifth, "logger", "logger = 'shop.db.pool'", '.logger == "shop.db.pool"'),
        ("time", f"time>='{late}'", count_late, "timestamp", f"timestamp >= '{late}'", f'.timestamp >= "{late}"'),
        ("text", json.dumps(order), 1, None, None, None),
    ]
    for what, question, expected, column, condition, by_jq in cases:
        took = asked([*_UNIFIED, "query", question, str(path)], folder, runs, lines, expected)
        beside, least = [], float("inf")
        if column is not None:
            sql = f"select count(*) from read_ndjson('app.log', columns={{{column}: 'VARCHAR'}}) where {condition}"
            other = asked(duckdb(sql), folder, runs, number, expected)
            least = other / took
            beside.append(f"DuckDB {size / 1e9 / other:.2f} GB/s ({least:.0f} x)")
            other_of = by("jq", ["jq", "-c", f"select({by_jq})", "app.log"], folder, 1, lines, expected)
            if other_of is not None:
                beside.append(f"`jq` {size / 1e9 / other_of:.2f} GB/s ({other_of / took:.0f} x)")
        other_of = (
            by("rg", ["rg", "-j1", "-c", "-F", order, "app.log"], folder, runs, number, 1) if column is None else None
        )
        if other_of is not None:
            beside.append(f"`rg` {size / 1e9 / other_of:.1f} GB/s")
        rate = size / 1e9 / took
        is_reached = rate >= SCAN and least >= BESIDE_DUCKDB
        rows.append(
            f"| `query` by {what} over a plain file of {size / 1e6:,.0f} MB | ≥ {SCAN} GB/s, DuckDB ≥ {BESIDE_DUCKDB} x | {rate:.1f} GB/s "
            f"| {', '.join(beside) or '–'} | {verdict(is_reached)} |"
        )
    took = asked([*_UNIFIED, "tail", "-n", "all", "--color", "never", str(path)], folder, runs, lines, records)
    rows.append(f"| `tail -n all`: all of it as text | – | {records / took / 1e6:.2f} M records/s | – | – |")
    question = "count by level, endpoint"
    sql = "select level, endpoint, count(*) from read_ndjson('app.log', columns={level: 'VARCHAR', endpoint: 'VARCHAR'}) group by all"
    other, groups = measured(duckdb(sql), folder, runs, lines)
    took = asked([*_UNIFIED, "query", question, "--json", str(path)], folder, runs, lines, groups)
    rows.append(
        f"| `query '{question}'` | – | {size / 1e9 / took:.2f} GB/s | DuckDB {size / 1e9 / other:.2f} GB/s ({other / took:.1f} x) | – |"
    )
    return rows


def in_packed(folder: Path, files: int, runs: int) -> list[str]:
    """Questions that indices answer, or shorten."""
    told = printed("asking.files", folder, files, 0)
    records, trace = told["records"], told["trace"]
    has_all = files >= ALL
    rows = []

    def levels_of(text: str) -> dict[str, int]:
        return dict(json.loads(text)["levels"])

    sql = "select level, count(*) from read_ndjson('app.log*', columns={level: 'VARCHAR', logger: 'VARCHAR'}) group by level"
    other, levels = measured(
        duckdb(sql), folder, 1, lambda text: {level: int(count) for level, count in map(str.split, text.splitlines())}
    )
    if sum(levels.values()) != records:
        raise RuntimeError(f"{levels} of {records} records")
    took = asked([*_UNIFIED, "stats", "--json", str(folder)], folder, runs, levels_of, levels)
    is_reached = took <= STATS and other >= STATS_BESIDE * took
    told_of = verdict(is_reached) if has_all else "–"
    rows.append(
        f"| `stats` of {files:,} packed files of {FILE // 1_000_000} MB | ≤ {STATS * 1e3:.0f} ms, DuckDB ≥ {STATS_BESIDE} x | {took * 1e3:.0f} ms "
        f"| DuckDB {other:.1f} s ({other / took:.0f} x) | {told_of} |"
    )
    took = asked([*_UNIFIED, "tail", "-o", "json", "-t", trace, str(folder)], folder, runs, lines, 10)
    grep = ["sh", "-c", f"zstdgrep -h {trace} app.log.*.zst; grep -h {trace} app.log; true"]
    other_of = by("zstdgrep", grep, folder, 1, lines, 10)
    beside = "not installed" if other_of is None else f"`zstdgrep` {other_of:.1f} s ({other_of / took:.0f} x)"
    is_reached = took <= TRACE and other_of is not None and other_of >= TRACE_BESIDE * took
    told_of = verdict(is_reached) if has_all else "–"
    rows.append(
        f"| `tail -t TRACE` in them | ≤ {TRACE * 1e3:.0f} ms, `zstdgrep` ≥ {TRACE_BESIDE} x | {took * 1e3:.0f} ms | {beside} | {told_of} |"
    )
    command = [*_UNIFIED, "query", "level=critical", "--json", str(folder)]
    took = asked(command, folder, runs, lines, told["rare"])
    indices = list((folder / ".unified_logger").glob("*.idx"))
    for path in indices:
        path.rename(path.with_name(path.name + ".away"))
    try:
        scan = asked(command, folder, 1, lines, told["rare"])
    finally:
        for path in indices:
            path.with_name(path.name + ".away").rename(path)
    rows.append(
        f"| `query level=critical` in them, with the index | ≥ {INDEXED} x a scan | {took * 1e3:.0f} ms | without the index {scan:.1f} s "
        f"({scan / took:.0f} x) | {verdict(scan >= INDEXED * took)} |"
    )
    command = [*_UNIFIED, "tail", "-n", "10", "-o", "json", str(folder)]
    bare = took = float("inf")
    for _ in range(4 * runs):
        bare = min(bare, asked([sys.executable, "-I", "-c", "pass"], folder, 1, lines, 0))
        took = min(took, asked(command, folder, 1, lines, 10))
    rows.append(
        f"| `tail -n 10` of them | ≤ {START} x a bare `python` | {took * 1e3:.1f} ms | `python -I -c pass` {bare * 1e3:.1f} ms "
        f"({took / bare:.2f} x) | {verdict(took <= START * bare)} |"
    )
    return rows


def main() -> int:
    """Run the command.

    Returns:
        The exit code: 1 when a program failed or answered otherwise; never for its figures.
    """
    chosen = parser(__doc__).parse_args()
    files, length, runs = (
        (ALL, 1_000 << 20, 5) if chosen.full else (3, 20 << 20, 2) if chosen.short else (40, 200 << 20, 3)
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = in_plain(Path(folder), length, runs)
        with tempfile.TemporaryDirectory() as folder:
            rows += in_packed(Path(folder), files, runs)
    except RuntimeError as failed:
        print(f"failed: {failed}")
        return 1
    heads = ["| what | reach | this library | others | verdict |", "| --- | --- | ---: | --- | --- |"]
    table = "\n".join([*heads, *rows])
    print(f"\n{table}\n")
    if chosen.full:
        fill(DOCS / "cli.md", "asking", f"{machine([])}\n\n{table}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
