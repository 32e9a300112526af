"""What a curve is: how a cost grows along one axis, why, and by how much at most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .bench import Bench

Measure = Callable[[Bench, int], float]  # starts logging, measures, and tells the cost, ns
Costs = Mapping[int, float]  # ns, by point


def of_calls(series: str, point: int) -> float:
    """The weight where a call is to cost the same at every point."""
    del series, point
    return 1.0


@dataclass(frozen=True)
class Curve:
    """One plot and one table."""

    name: str
    title: str
    axis: str
    points: tuple[int, ...]
    few: tuple[int, ...]  # the points of a quick run
    series: Mapping[str, Measure]
    factor: float  # the worst point of a series costs at most this many times its best, both by weight
    why: str
    unit: str = "ns per call"  # what a cost is once it is divided by the weight
    cost: str = "ns per call"  # what is measured and plotted
    weight: Callable[[str, int], float] = of_calls  # how much there is to do at a point of a series
    log: str = "xy"
    beside: Mapping[str, Measure] = field(default_factory=dict)  # other libraries: shown, and held to nothing

    def per_unit(self, series: str, costs: Costs) -> dict[int, float]:
        """The costs of a series by weight, ns."""
        return {point: cost / self.weight(series, point) for point, cost in costs.items()}

    def spread(self, series: str, costs: Costs) -> float:
        """How many times as much the worst point of a series costs by weight as its best."""
        units = self.per_unit(series, costs).values()
        return max(units) / min(units)
