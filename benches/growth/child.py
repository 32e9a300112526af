"""One measurement: `python -m growth.child CURVE SERIES POINT ROUNDS` prints what it costs and how many lines there are."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from .bench import Bench
from .curves import ALL


def main(name: str, series: str, point: str, rounds: str) -> None:
    """Measures one point of one series."""
    curve = ALL[name]
    measure = {**curve.series, **curve.beside}[series]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), int(rounds))
        cost = measure(bench, int(point))
        print(json.dumps({"cost": cost, "expected": bench.expected, "lines": bench.lines()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
