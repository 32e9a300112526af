"""What a contender holds in memory: in a process of its own, in which nothing else is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .lines import Reader
from .started import Contender
from .test_throughput import records_for

PROGRAM = Path(__file__).with_name("memory.py")


@pytest.mark.benchmark(group="memory")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell a process its memory")
def test_memory(started: Contender, benchmark: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """As many records as the throughput bench writes, a million of ours."""
    if started.module.KIND == "calls":
        pytest.skip("writes nothing")
    records = records_for(started, request, runs=2)
    command = [sys.executable, str(PROGRAM), started.module.__name__, str(tmp_path), str(records)]

    def run() -> None:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        benchmark.extra_info.update(json.loads(done.stdout))

    benchmark.pedantic(run, rounds=1)
    benchmark.extra_info.update(Reader().news(started.module.files(tmp_path)).noted(records), records=records)
