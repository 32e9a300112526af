"""A run as the tables of docs/performance.md and of both READMEs."""

from __future__ import annotations

from shared import DOCS, constant, fill

from .goals import Result, Results, per_call, rate, value
from .goals import table as goal_table
from .recorded import Run

PACED = ("p50", "p99", "p99.9", "p99.99")
# Rows of the READMEs, as far as they were measured and lost no line.
README = [
    "ours", "stdlib_queue", "stdlib_file", "structlog_orjson", "loguru_plain", "loguru_enqueue", "logxide_file", "logly_file", "spdlog_file",
    "rust_tracing", "cpp_spdlog", "orjson_literal", "native_call",
]  # fmt: skip
HEADS = [
    "", "call, ns", "× nothing", "disabled, ns", "exception, µs", "paced p50 / p99 / p99.9 / p99.99, µs", "records/s to disk", "4 threads", "4 processes",
    "lines, counted / asked", "CPU s per million", "memory, MB, held / most", "import, ms", "remarks",
]  # fmt: skip


def title(name: str) -> str:
    """What readers call a contender."""
    return constant("contenders", name, "TITLE") or name


def number(figure: float | None, digits: int = 0, factor: float = 1.0) -> str:
    """A figure for a table; one below ten has a digit behind the point."""
    if figure is None:
        return "–"
    figure *= factor
    return f"{figure:,.{digits or int(abs(figure) < 10)}f}"


def spread(bench: Result | None) -> str:
    """The percentiles of paced calls, µs."""
    return " / ".join(number(bench.get(key), 2, 1e-3) for key in PACED) if bench else "–"


def imported(bench: Result | None) -> str:
    """Milliseconds of an import, and the threads that it starts, if any."""
    if bench is None:
        return "–"
    started = bench["threads"] - 1
    return number(bench["import_s"], 1, 1e3) + (f", {started} threads" if started else "")


def total(benches: dict[str, Result], *keys: str) -> list[int]:
    """Sums over the benches, all passes included, that have all of these counts."""
    known = [bench for bench in benches.values() if all(bench.get(key) is not None for key in keys)]
    return [sum(bench[key] for bench in known) for key in keys]


def remarks(name: str, benches: dict[str, Result]) -> str:
    """What a contender omits, by its own word and by what its lines lack."""
    omits = constant("contenders", name, "OMITS")
    asked, lines = total(benches, "expected", "lines")
    looked_at, parsed, whole = total(benches, "lines", "parsed", "whole")
    said = [
        f"omits {omits}" if omits else "",
        f"{asked - lines:,} lines are missing" if lines < asked else "",
        f"{looked_at - parsed:,} lines are not JSON" if parsed < looked_at and "JSON" not in omits else "",
        f"{parsed - whole:,} lines are without the fields" if whole < parsed and "fields" not in omits else "",
        benches.get("notes", {}).get("reason", ""),
    ]
    return "; ".join(filter(None, said))


def table(run: Run) -> str:
    """All contenders, a row each."""
    results: Results = run.results
    floor = per_call(results, "native_call", "call")
    rows = [f"| {' | '.join(HEADS)} |", f"| --- |{' ---: |' * (len(HEADS) - 2)} --- |"]
    for name, benches in run.results.items():
        if name in run.failures:
            rows.append(f"| {title(name)} |{' |' * (len(HEADS) - 2)} {run.failures[name]} |")
            continue
        call, (asked, lines) = per_call(results, name, "call"), total(benches, "expected", "lines")
        held, most = (value(results, name, "memory", key) for key in ("held_mb", "most_mb"))
        cells = [
            title(name),
            number(call),
            "–" if call is None or not floor else number(call / floor, 1),
            number(per_call(results, name, "disabled")),
            number(per_call(results, name, "exception"), 1, 1e-3),
            spread(benches.get("paced")),
            number(rate(results, name, "throughput")),
            number(rate(results, name, "throughput, 4 threads")),
            number(rate(results, name, "throughput, 4 processes")),
            f"{lines:,} / {asked:,}" if asked else "–",
            number(value(results, name, "throughput", "cpu_s_per_million"), 2),
            "–" if held is None else f"{held:.1f} / {number(most, 1)}",
            imported(benches.get("import")),
            remarks(name, benches),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def figures(run: Run) -> str:
    """What stands in docs/performance.md between its markers."""
    parts = [run.taken, goal_table(run.goals(), run.figures())]
    if errors := run.results["ours"].get("paced errors"):
        shown = " / ".join(number(errors[key], 1, 1e-3) for key in PACED[:3])
        parts.append(
            f"ERROR calls wake the writer at once and are their own row: paced 1,000/s, p50 / p99 / p99.9 = {shown} µs."
        )
    call, bare = (per_call(run.results, name, "call") for name in ("ours", "ours_black_box_off"))
    if call is not None and bare is not None:
        parts.append(
            f"The black box is on unless a row says otherwise. Of the {call:.0f} ns of a call it takes {call - bare:.0f}: "
            "the record is numbered and summed up, so that it can be told from a torn one after a kill."
        )
    return "\n\n".join([*parts, table(run)])


def readme(run: Run, intro: str, heads: list[str]) -> str:
    """What stands in a README between its markers."""
    results: Results = run.results
    rows = [f"| {' | '.join(['', *heads])} |".replace("|  |", "| |"), f"| --- |{' ---: |' * len(heads)}"]
    for name in README:
        benches = run.results.get(name)
        if name in run.failures or not benches:
            continue
        asked, lines = total(benches, "expected", "lines")
        if lines < asked:
            continue
        cells = [
            title(name),
            number(per_call(results, name, "call")),
            number(per_call(results, name, "disabled")),
            number(per_call(results, name, "exception"), 1, 1e-3),
            number(rate(results, name, "throughput")),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return intro + "\n\n" + "\n".join(rows)


def english(run: Run) -> str:
    """The part of README.md."""
    intro = (
        f"The guide's record, a Chinese message and five fields, on {run.cores} cores with CPython {minor(run)}; every line counted on disk; who lost some is left out. Contenders that\n"
        "omit part of the record, how the figures were taken and all others: [performance](docs/performance.md). `make bench` takes them anew."
    )
    return readme(run, intro, ["call, ns", "disabled, ns", "with exception, µs", "records/s to disk"])


def chinese(run: Run) -> str:
    """The part of README.zh-CN.md."""
    intro = (
        f"指南中的记录（中文消息加五个字段），{run.cores} 个核心，CPython {minor(run)}；磁盘上的每一行都经过清点，丢失行的库不在此列。哪些库省略了部分内容、测量方法和其余数据见\n"
        "[性能](docs/performance.md)；`make bench` 可重新测量。"
    )
    return readme(run, intro, ["每次调用（纳秒）", "级别关闭（纳秒）", "带异常（微秒）", "落盘（条/秒）"])


def minor(run: Run) -> str:
    """The interpreter's version without its last part."""
    return run.python.rpartition(".")[0]


PAGES = {
    DOCS / "performance.md": figures,
    DOCS.parent / "README.md": english,
    DOCS.parent / "README.zh-CN.md": chinese,
}


def write(run: Run) -> None:
    """Fills the pages."""
    for page, part in PAGES.items():
        fill(page, "figures", part(run))
