"""Results as tables, as a plot, and as figures beside those to reach."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from shared import HERE, fill, machine

Results = dict[str, dict[str, dict[str, Any]]]


def per_call(results: Results, name: str, group: str) -> float | None:
    """Nanoseconds of one call, the best round."""
    found = results.get(name, {}).get(group)
    return None if found is None else found["min"] / found["loop"] * 1e9


def rate(results: Results, name: str, group: str) -> float | None:
    """Records a second."""
    found = results.get(name, {}).get(group)
    return None if found is None else found["records"] / found["min"]


def describe(name: str) -> tuple[str, str]:
    """Title and omissions of a contender; its file is read, since it may not be importable."""
    text = (HERE / "contenders" / f"{name}.py").read_text(encoding="utf-8")
    found = {key: re.search(rf'^{key} = "(.*)"$', text, re.MULTILINE) for key in ("TITLE", "OMITS")}
    return (found["TITLE"][1] if found["TITLE"] else name), (found["OMITS"][1] if found["OMITS"] else "")


def number(value: float | None, unit: str = "") -> str:
    """A figure for a table."""
    return "–" if value is None else f"{value:,.0f}{unit}"


def lost(benches: dict[str, dict[str, Any]]) -> str:
    """What the lines on disk lack."""
    short = [bench for bench in benches.values() if (bench.get("lines") or 0) < (bench.get("expected") or 0)]
    if not short:
        return ""
    worst = max(short, key=lambda bench: bench["expected"] - bench["lines"])
    return f"{worst['expected'] - worst['lines']:,} of {worst['expected']:,} lines are missing"


def table(results: Results, failures: dict[str, str]) -> str:
    """All contenders, a row each."""
    floor = per_call(results, "native_call", "call") or float("nan")
    rows = [
        "| | call, ns | × nothing | disabled, ns | exception, µs | paced p50 / p99 / p99.9 / p99.99, µs "
        "| records/s to disk | 4 threads | CPU s per million | import, ms | remarks |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, benches in results.items():
        title, omits = describe(name)
        if name in failures:
            rows.append(f"| {title} | | | | | | | | | | {failures[name]} |")
            continue
        call = per_call(results, name, "call")
        exception = per_call(results, name, "exception")
        paced = benches.get("paced")
        spread = " / ".join(f"{paced[key] / 1_000:,.2f}" for key in ("p50", "p99", "p99.9", "p99.99")) if paced else "–"
        cpu = benches.get("throughput", {}).get("cpu_s_per_million")
        imported = benches.get("import", {}).get("import_s")
        remarks = "; ".join(
            remark
            for remark in (f"omits {omits}" if omits else "", lost(benches), benches.get("notes", {}).get("reason", ""))
            if remark
        )
        rows.append(
            f"| {title} | {number(call)} | {'–' if call is None else f'{call / floor:.1f}'} "
            f"| {number(per_call(results, name, 'disabled'))} "
            f"| {'–' if exception is None else f'{exception / 1_000:,.1f}'} | {spread} "
            f"| {number(rate(results, name, 'throughput'))} | {number(rate(results, name, 'throughput, 4 threads'))} "
            f"| {'–' if cpu is None else f'{cpu:.2f}'} | {'–' if imported is None else f'{imported * 1_000:.1f}'} "
            f"| {remarks} |"
        )
    return "\n".join(rows)


def goals(results: Results) -> str:
    """The figures to reach, beside those seen."""
    ours = results["ours"]
    call = per_call(results, "ours", "call") or float("nan")
    floor = per_call(results, "native_call", "call") or float("nan")
    queue = per_call(results, "stdlib_queue", "call") or float("nan")
    literal = per_call(results, "orjson_literal", "call") or float("nan")
    disabled = per_call(results, "ours", "disabled") or float("nan")
    exception = per_call(results, "ours", "exception") or float("nan")
    stdlib_exception = per_call(results, "stdlib_file", "exception") or float("nan")
    to_disk = {
        name: rate(results, name, "throughput") or float("nan")
        for name in ("stdlib_queue", "stdlib_through_ours", "stdlib_native")
    }
    through = to_disk["stdlib_through_ours"] / to_disk["stdlib_queue"]
    native = to_disk["stdlib_native"] / to_disk["stdlib_queue"]
    paced = ours.get("paced", {})
    sustained = rate(results, "ours", "throughput") or float("nan")
    four = rate(results, "ours", "throughput, 4 threads") or float("nan")
    processes = rate(results, "ours", "throughput, 4 processes") or float("nan")
    cpu = ours.get("throughput", {}).get("cpu_s_per_million", float("nan"))
    idle = ours.get("idle", {}).get("cpu_ms_per_s", float("nan"))
    imported = ours.get("import", {}).get("import_s", float("nan")) * 1_000

    def us(key: str) -> float:
        return float(paced.get(key, float("nan"))) / 1_000

    lines = [
        ("call, tight loop, × a native call that does nothing", "≤ 4", "3", call / floor, call / floor <= 4),
        ("stdlib QueueHandler + JSON, × ours", "≥ 50", "80", queue / call, queue / call >= 50),
        ("ours, × building the dict and orjson.dumps of it", "≤ 0.3", "0.2", call / literal, call / literal <= 0.3),
        ("disabled level, × a native call that does nothing", "≤ 1.4", "1.2", disabled / floor, disabled / floor <= 1.4),
        ("paced 20,000/s, p99, µs", "≤ 2", "0.5", us("p99"), us("p99") <= 2),
        ("paced 20,000/s, p99.9, µs", "≤ 10", "1", us("p99.9"), us("p99.9") <= 10),
        ("paced 20,000/s, p99.99, µs", "≤ 50", "10", us("p99.99"), us("p99.99") <= 50),
        ("sustained to disk, million records/s", "1.5", "3", sustained / 1e6, sustained >= 1.5e6),
        ("logging through ours to disk, × stdlib QueueHandler + JSON", "≥ 3", "", through, through >= 3),
        ("logging made native to disk, × stdlib QueueHandler + JSON", "≥ 10", "", native, native >= 10),
        ("4 threads, × one", "≥ 0.9", "1.5", four / sustained, four / sustained >= 0.9),
        ("4 processes on one directory, × one", "≥ 0.9", "1.5", processes / sustained, processes / sustained >= 0.9),
        ("exception of 10 frames, stdlib × ours", "≥ 10", "40", stdlib_exception / exception, stdlib_exception / exception >= 10),
        ("CPU seconds per million records", "0.8", "0.5", cpu, cpu <= 0.8),
        ("idle CPU, ms per s", "1", "", idle, idle <= 1),
        ("import, ms", "< 30", "15", imported, imported < 30),
    ]  # fmt: skip
    rows = ["| figure | reach | stretch | seen | |", "| --- | ---: | ---: | ---: | --- |"]
    rows += [
        f"| {what} | {reach} | {stretch} | {seen:,.2f} | {'reached' if good else 'not reached'} |"
        for what, reach, stretch, seen, good in lines
    ]
    return "\n".join(rows)


def plot(results: Results) -> str:
    """The cost of a call as bars on a logarithmic scale, as SVG."""
    import math

    bars = [(describe(name)[0], per_call(results, name, "call")) for name in results]
    shown = sorted(((title, value) for title, value in bars if value), key=lambda bar: bar[1])
    left, width, height = 330, 520, 26
    top = max(value for _, value in shown)
    low = min(value for _, value in shown) / 1.6
    scale = width / math.log10(top / low)
    total = height * len(shown) + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 110} {total}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        '<text x="12" y="22" font-size="15" font-weight="600" fill="#1f2328">'
        "What a call costs its caller, ns (logarithmic; shorter is better)</text>",
    ]
    for index, (title, value) in enumerate(shown):
        y = 40 + index * height
        color = "#0a7d5a" if title.startswith("unified_logger") else "#8c959f"
        length = math.log10(value / low) * scale
        parts.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end" fill="#1f2328">{title}</text>')
        parts.append(f'<rect x="{left}" y="{y + 3}" width="{length:.1f}" height="{height - 9}" rx="2" fill="{color}"/>')
        parts.append(f'<text x="{left + length + 6:.1f}" y="{y + 15}" fill="#57606a">{value:,.0f}</text>')
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def write(results: Results, failures: dict[str, str], docs: Path) -> None:
    """Puts the figures into docs/performance.md, the plot and the raw results into docs/benchmarks/."""
    folder = docs / "benchmarks"
    folder.mkdir(exist_ok=True)
    (folder / "call.svg").write_text(plot(results), encoding="utf-8")
    (folder / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    errors = results["ours"].get("paced errors", {})
    extra = (
        f"ERROR calls wake the writer at once and are their own row: paced 1,000/s, p50 / p99 / p99.9 = "
        f"{errors.get('p50', 0) / 1e3:.1f} / {errors.get('p99', 0) / 1e3:.1f} / {errors.get('p99.9', 0) / 1e3:.1f} µs."
    )
    call, bare = per_call(results, "ours", "call"), per_call(results, "ours_black_box_off", "call")
    if call and bare:
        extra += (
            f"\n\nThe black box is on unless a row says otherwise. Of the {call:.0f} ns of a call it takes {call - bare:.0f}: "
            "the record is numbered and summed up, so that it can be told from a torn one after a kill."
        )
    body = f"{machine(results)}\n\n{goals(results)}\n\n{extra}\n\n{table(results, failures)}"
    fill(docs / "performance.md", "figures", body)
