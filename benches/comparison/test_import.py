"""What importing costs: a new interpreter each time, the import alone timed inside it, and the threads it has afterwards."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

IMPORTS = {
    "ours": "unified_logger",
    "stdlib_file": "logging, logging.handlers",
    "structlog_orjson": "structlog",
    "loguru_plain": "loguru",
    "picologging_file": "picologging",
    "logxide_file": "logxide",
    "logly_file": "logly",
    "spdlog_file": "spdlog",
}
# Threads of native code are known to the system only.
PROGRAM = """
import time
began = time.perf_counter()
import {}
taken = time.perf_counter() - began
import os, threading
tasks = "/proc/self/task"
print(taken, len(os.listdir(tasks)) if os.path.isdir(tasks) else threading.active_count())
"""


@pytest.mark.benchmark(group="import")
def test_import(module: ModuleType, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """The smallest of ten."""
    name = module.__name__.rpartition(".")[2]
    if name not in IMPORTS:
        pytest.skip("is imported as another contender")
    taken: list[tuple[float, int]] = []

    def run() -> None:
        program = [sys.executable, "-c", PROGRAM.format(IMPORTS[name])]
        out = subprocess.run(program, capture_output=True, text=True, check=True).stdout.split()
        taken.append((float(out[0]), int(out[1])))

    benchmark.pedantic(run, rounds=min(10, request.config.getoption("--rounds")))
    benchmark.extra_info.update(import_s=min(taken)[0], threads=max(threads for _, threads in taken))
