"""Plots for the pages, as small SVG files whose text stays text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update(
    {"svg.fonttype": "none", "svg.hashsalt": "unified_logger", "font.family": "sans-serif", "font.size": 9}
)

from matplotlib import pyplot as plt  # noqa: E402  the backend is chosen first
from matplotlib.ticker import EngFormatter  # noqa: E402

OURS = "#0a7d5a"
OTHERS = "#8c959f"
_SIZE = (7.2, 3.6)
_BESIDE = 5  # so many series have a legend that does not cover them, beside the plot


def curves(
    path: Path,
    title: str,
    axes: tuple[str, str],
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    log: str = "",
    ticks: Mapping[float, str] | None = None,
) -> None:
    """One line for each series; `log` names the axes that are logarithmic: "x", "y" or "xy", `ticks` the places on the x axis."""
    beside = len(series) >= _BESIDE
    figure, plot = plt.subplots(figsize=(_SIZE[0] + 2.8 * beside, _SIZE[1]), layout="constrained")
    for name, points in series.items():
        plot.plot([x for x, _ in points], [y for _, y in points], marker="o", markersize=3, linewidth=1.3, label=name)
    plot.set(title=title, xlabel=axes[0], ylabel=axes[1])
    if "x" in log:
        plot.set_xscale("log")
    if "y" in log:
        plot.set_yscale("log")
    else:
        plot.set_ylim(bottom=0)
    if ticks:
        plot.set_xticks(list(ticks), list(ticks.values()))
        plot.minorticks_off()
    plot.grid(visible=True, which="major", alpha=0.3)
    if beside:
        figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    elif len(series) > 1:
        plot.legend(frameon=False, fontsize=8)
    _save(figure, path)


def bars(path: Path, title: str, rows: Mapping[str, float], *, log: bool = False) -> None:
    """A bar for each row, in the order given; rows of this library stand out."""
    figure, plot = plt.subplots(figsize=(_SIZE[0], 0.6 + 0.27 * len(rows)), layout="constrained")
    names, values = list(rows), list(rows.values())
    drawn = plot.barh(names, values, color=[OURS if name.startswith("unified_logger") else OTHERS for name in names])
    plot.bar_label(drawn, labels=[f"{value:,.0f}" for value in values], padding=3, fontsize=8)
    plot.invert_yaxis()
    figure.suptitle(title)
    if log:
        plot.set_xscale("log")
    plot.xaxis.set_major_formatter(EngFormatter(sep=""))
    plot.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
