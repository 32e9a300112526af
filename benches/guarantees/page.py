"""The tables of docs/guarantees.md, and the results behind them."""

from __future__ import annotations

import json
from typing import Any

from shared import DOCS, fill, machine, versions

from .events import FAMILIES
from .lines import Outcome
from .loggers import NAMES
from .stage import constant

Results = dict[str, dict[str, Outcome | str]]  # by event, by library; a text says why there is no outcome


def cell(result: Outcome | str | None) -> str:
    """What a table shows of a result."""
    return "–" if result is None else result if isinstance(result, str) else result.cell()


def promises(results: Results) -> str:
    """Event × what is kept × how it is tested, and what was seen."""
    rows = ["| event | what is kept | seen | how it is tested |", "| --- | --- | --- | --- |"]
    for family, events in FAMILIES.items():
        rows.append(f"| **{family}** | | | |")
        for event in events:
            tests = ", ".join(f"`{test}`" for test in event.tests)
            rows.append(
                f"| {event.title} | {event.promise} | {cell(results.get(event.name, {}).get('ours'))} | {tests} |"
            )
    return "\n".join(rows)


def side_by_side(results: Results, names: list[str]) -> str:
    """Every event for every library."""
    found = versions(names)
    heads = [f"{constant(name, 'TITLE')} {found.get(constant(name, 'PACKAGE'), '')}".strip() for name in names]
    rows = [f"| event | {' | '.join(heads)} |", f"| --- |{' --- |' * len(names)}"]
    for family, events in FAMILIES.items():
        if not any(event.name in results for event in events):
            continue
        rows.append(f"| **{family}** |{' |' * len(names)}")
        for event in events:
            if event.name not in results:
                continue
            shown = " | ".join(cell(results.get(event.name, {}).get(name)) for name in names)
            rows.append(f"| {event.title} | {shown} |")
    return "\n".join(rows)


def memory(results: Results, names: list[str]) -> str:
    """What the flood did beside the counts."""
    rows = [
        "| in the flood | calls | memory, MiB | longest call, ms | dropped and counted |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in names:
        outcome = results.get("flood", {}).get(name)
        if not isinstance(outcome, Outcome) or "growth, KiB" not in outcome.notes:
            continue
        dropped = outcome.notes.get("dropped")
        rows.append(
            f"| {constant(name, 'TITLE')} | {outcome.asked + outcome.raised:,} | +{outcome.notes['growth, KiB'] / 1024:,.0f} "
            f"| {outcome.notes['longest call, ms']:,.1f} | {'not counted' if dropped is None else f'{dropped:,}'} |"
        )
    return "\n".join(rows)


def write(results: Results) -> None:
    """Fills the page and keeps the results."""
    page = DOCS / "guarantees.md"
    taken = machine(NAMES)
    fill(page, "promises", promises(results))
    fill(page, "side by side", f"{taken}\n\n{side_by_side(results, NAMES)}\n\n{memory(results, NAMES)}")
    kept: dict[str, Any] = {
        "taken": taken,
        "versions": versions(NAMES),
        "events": {
            event: {name: outcome if isinstance(outcome, str) else outcome.plain() for name, outcome in row.items()}
            for event, row in results.items()
        },
    }
    text = json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
    (DOCS / "benchmarks" / "guarantees.json").write_text(text, encoding="utf-8")
