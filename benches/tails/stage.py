"""One scenario for one contender, in a process of its own: `python -m tails.stage CONTENDER SCENARIO SECONDS FOLDER`.

Prints what was seen as JSON.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from hdrh.histogram import HdrHistogram
from pacer import Pacer

from .causes import worst
from .scenarios import SCENARIOS, Scenario

LONGEST = 3_600 * 10**9  # ns
SHARES = {"p50": 50, "p99": 99, "p99.9": 99.9, "p99.99": 99.99, "p99.999": 99.999, "max": 100}


def paced(module: ModuleType, level: str, pace: Iterable[None]) -> Callable[[], None]:
    """The contender's own loop over `range(count)`, with the pacer in the range's place; at ERROR one like it."""
    if level == "info":
        calls = FunctionType(module.calls.__code__, module.calls.__globals__ | {"range": lambda count: pace})
        return lambda: calls(0)
    # The native call that does nothing does it at every level.
    error = getattr(module.logger, level, module.logger.info)

    def errors() -> None:
        for _ in pace:
            error(
                "API 请求处理",
                endpoint="/api/ai/chat",
                method="POST",
                user_id="user_001",
                latency_ms=234,
                status_code=500,
            )

    return errors


def summary(times: array[int]) -> dict[str, Any]:
    """Percentiles and their curve, ns."""
    histogram = HdrHistogram(1, LONGEST, 3)
    for value, count in Counter(times).items():
        histogram.record_value(max(1, value), count)
    halvings = [0.5**step for step in range(len(times).bit_length())]
    return {
        **{name: histogram.get_value_at_percentile(share) for name, share in SHARES.items()},
        "curve": [(part, histogram.get_value_at_percentile(100 * (1 - part))) for part in halvings],
    }


def lines(folder: Path) -> int:
    """Lines on disk, over every file the log was rotated into."""
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("app.log*"))


def written(module: ModuleType, folder: Path, expected: int) -> int | None:
    """Lines on disk once everything is there: writers that only promise to flush are waited for until the files are quiet."""
    if module.KIND == "calls":
        return None
    module.finish()
    before, found = -1, lines(folder)
    while before < found < expected:
        time.sleep(0.2)
        module.finish()
        before, found = found, lines(folder)
    return found


def stolen() -> int:
    """Milliseconds that the hypervisor has kept from this machine's cores."""
    return int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8]) * 10


def perform(name: str, scenario: Scenario, seconds: float, folder: Path) -> dict[str, Any]:
    """Starts the contender, paces it, and counts what it wrote."""
    module = importlib.import_module(f"contenders.{name}")
    if scenario.options:
        module.OPTIONS.update(scenario.options)
    count = max(1, int(scenario.rate * seconds))
    services, responses = array("q", bytes(8 * count)), array("q", bytes(8 * count))
    module.start(folder)
    pace = Pacer(10**9 // scenario.rate, services, responses)
    run = paced(module, scenario.level, pace)
    with scenario.beside():
        steal, before = stolen(), resource.getrusage(resource.RUSAGE_THREAD)
        run()
        after = resource.getrusage(resource.RUSAGE_THREAD)
        steal = stolen() - steal
    return {
        "calls": count,
        "lines": written(module, folder, count),
        "service": summary(services),
        "response": summary(responses),
        "worst": [asdict(one) | {"cause": one.cause} for one in worst(pace.worst())],
        "counts": {
            "page faults": after.ru_minflt - before.ru_minflt,
            "waits": after.ru_nvcsw - before.ru_nvcsw,
            "preemptions": after.ru_nivcsw - before.ru_nivcsw,
            "stolen, ms": steal,
            "rotations": len(list(folder.glob("app.log.*"))),
        },
    }


if __name__ == "__main__":
    contender, scenario, seconds, folder = sys.argv[1:]
    print(json.dumps(perform(contender, SCENARIOS[scenario], float(seconds), Path(folder))))
