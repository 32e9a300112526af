"""Records that go to more outputs."""

from __future__ import annotations

import time
from typing import Any

from ..bench import Bench
from ..curve import Curve

RECORDS = 100_000
# By how many outputs a record goes to: method, field, options. There are four: app.log, errors.log, ai_responses.log, console.
KINDS: dict[int, tuple[str, str, dict[str, Any]]] = {
    1: ("info", "status", {"console_format": "off"}),
    2: ("info", "status", {"console_format": "json"}),
    3: ("info", "ai_model", {"console_format": "json"}),
    4: ("error", "ai_model", {"console_format": "json"}),
}


def sustained(bench: Bench, outputs: int) -> float:
    method, name, options = KINDS[outputs]
    bench.start(**options)
    log, given = getattr(bench.logger, method), {name: "value"}

    def work(count: int) -> None:
        for _ in range(count):
            log("API 请求处理", endpoint="/api/ai/chat", status_code=200, **given)

    bench.once(work, 5_000)
    best = float("inf")
    for _ in range(max(2, bench.rounds // 3)):
        started = time.perf_counter_ns()
        work(RECORDS)
        bench.finish()
        best = min(best, (time.perf_counter_ns() - started) / RECORDS)
        bench.expected += RECORDS
    return best


CURVES = [
    Curve(
        name="outputs",
        title="Outputs of a record",
        axis="outputs: app.log, console, ai_responses.log, errors.log",
        points=(1, 2, 3, 4),
        few=(1, 4),
        series={"until on disk": sustained},
        factor=3,
        cost="ns per record",
        unit="ns per output, a record counted as 2",
        weight=lambda series, outputs: 2 + outputs,
        why="A record is encoded once, however many outputs get its line: each further one costs copying it to the system. "
        "There are four outputs, all of them fixed: INFO with the console off goes to one, INFO to two, an AI record at INFO to "
        "three, and at ERROR, which also wakes the writer, to all four.",
        log="",
    )
]
