"""The page docs/growth.md, its plots, and the figures behind them."""

from __future__ import annotations

import json

from shared import DOCS, fill, machine

from .curve import Curve
from .curves import ALL

Results = dict[str, dict[str, dict[int, float]]]  # ns, by curve, series and point


def number(value: float) -> str:
    """A figure for a table: three digits that count, at least."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(curve: Curve, results: dict[str, dict[int, float]]) -> str:
    """A row for each point: of each series what it costs, and what that is by weight."""
    names = [name for name in [*curve.series, *curve.beside] if results.get(name)]
    rows = [f"| {curve.axis} | {' | '.join(names)} |", f"| ---: |{' ---: |' * len(names)}"]
    for point in curve.points:
        cells = []
        for name in names:
            cost = results[name].get(point)
            unit = "" if cost is None or curve.unit == curve.cost else f" ({number(cost / curve.weight(name, point))})"
            cells.append("–" if cost is None else f"{number(cost)}{unit}")
        if any(cell != "–" for cell in cells):
            rows.append(f"| {point:,} | {' | '.join(cells)} |")
    return "\n".join(rows)


def summary(results: Results) -> str:
    """Every series: from where to where, what it costs by weight, and by how much that changes."""
    rows = ["| what grows | series | from | to | best | worst | of | × | at most |  |"]
    rows.append("| --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | --- |")
    for name, curve in ALL.items():
        for series in curve.series:
            costs = results[name].get(series, {})
            if not costs:
                continue
            units = curve.per_unit(series, costs).values()
            spread = curve.spread(series, costs)
            rows.append(
                f"| [{curve.title}](#{anchor(curve)}) | {series} | {min(costs):,} | {max(costs):,} | {number(min(units))} "
                f"| {number(max(units))} | {curve.unit} | {spread:.1f} | {curve.factor:g} "
                f"| {'' if spread <= curve.factor else 'beyond'} |"
            )
    return "\n".join(rows)


def anchor(curve: Curve) -> str:
    """Where the page has the curve: its title, as the site turns it into an anchor."""
    kept = "".join(letter for letter in curve.title.lower() if letter.isalnum() or letter in " -_")
    return "-".join(kept.split())


def section(curve: Curve, results: dict[str, dict[int, float]]) -> str:
    """A curve with its explanation, plot and table."""
    return (
        f"## {curve.title}\n\n{curve.why}\n\n![{curve.title}](benchmarks/growth-{curve.name}.svg)\n\n"
        f"{capitalised(curve.cost)}{'' if curve.unit == curve.cost else f', and in brackets {curve.unit}'}:\n\n"
        f"{table(curve, results)}"
    )


def capitalised(text: str) -> str:
    """With a capital first letter, the others as they are; units stay."""
    return text if text.startswith("ns") else text[:1].upper() + text[1:]


def draw(curve: Curve, results: dict[str, dict[int, float]]) -> None:
    """The plot of a curve. A logarithmic axis has no place for a 0, which stands left of the 1."""
    from plots import curves

    shown = {
        name: [(point or 0.5 if "x" in curve.log else point, cost) for point, cost in sorted(costs.items())]
        for name, costs in results.items()
        if costs
    }
    path = DOCS / "benchmarks" / f"growth-{curve.name}.svg"
    curves(path, curve.title, (curve.axis, curve.cost), shown, log=curve.log)


def write(results: Results) -> None:
    """Fills the page, draws the plots and keeps the figures."""
    taken = machine(["stdlib_queue"])
    parts = [taken, summary(results)]
    for name, curve in ALL.items():
        draw(curve, results[name])
        parts.append(section(curve, results[name]))
    fill(DOCS / "growth.md", "curves", "\n\n".join(parts))
    kept = json.dumps({"taken": taken, "ns": results}, indent=1, ensure_ascii=False) + "\n"
    (DOCS / "benchmarks" / "growth.json").write_text(kept, encoding="utf-8")
