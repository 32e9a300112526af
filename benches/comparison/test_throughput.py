"""Records a second, from the first call to the last byte on disk."""

from __future__ import annotations

import multiprocessing
import resource
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from . import sizes
from .lines import Reader
from .started import Contender


def records_for(contender: Contender, request: pytest.FixtureRequest, runs: int) -> int:
    """As many as one of `runs` writes: of ours so many that start and end of the run are small beside them."""
    most: int = request.config.getoption("--records")
    if contender.name.startswith("ours"):
        return most * 5
    return sizes.records(contender.per_record, request.config.getoption("--budget") / runs, most)


def cpu() -> float:
    """CPU seconds of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@pytest.mark.benchmark(group="throughput")
def test_one_thread(contender: Contender, module: ModuleType, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """One thread."""
    if module.KIND == "calls":
        pytest.skip("writes nothing")
    records = records_for(contender, request, runs=2)
    contender.finish()
    before = cpu()

    def run() -> None:
        contender.calls(records)
        contender.finish()

    benchmark.pedantic(run, rounds=2)
    benchmark.extra_info["records"] = records
    benchmark.extra_info["cpu_s_per_million"] = (cpu() - before) / (2 * records) * 1e6


@pytest.mark.benchmark(group="throughput, 4 threads")
def test_four_threads(contender: Contender, module: ModuleType, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """Four threads of one process."""
    if module.KIND == "calls":
        pytest.skip("writes nothing")
    records = records_for(contender, request, runs=1)

    def run() -> None:
        threads = [threading.Thread(target=module.calls, args=(records // 4,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        contender.finish()

    contender.asked += records
    benchmark.pedantic(run, rounds=1)
    benchmark.extra_info["records"] = records


def _process(module_name: str, folder: Path, count: int, begin: Any, done: Any) -> None:
    import importlib

    module = importlib.import_module(module_name)
    module.start(folder)
    begin.wait(60)
    module.calls(count)
    module.finish()
    done.wait(60)


@pytest.mark.benchmark(group="throughput, 4 processes")
def test_four_processes(started: Contender, benchmark: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Four processes that write to one directory."""
    if started.name not in ("ours", "stdlib_file"):
        pytest.skip("not made for several processes on one file")
    records = records_for(started, request, runs=1)
    context = multiprocessing.get_context("spawn")
    begin, done = context.Barrier(5), context.Barrier(5)
    processes = [
        context.Process(target=_process, args=(started.module.__name__, tmp_path, records // 4, begin, done))
        for _ in range(4)
    ]
    for process in processes:
        process.start()
    begin.wait(60)

    benchmark.pedantic(done.wait, args=(60,), rounds=1)  # from the moment all begin until all have flushed
    for process in processes:
        process.join()
    benchmark.extra_info.update(Reader().news(started.module.files(tmp_path)).noted(records), records=records)


@pytest.mark.benchmark(group="idle")
def test_idle(contender: Contender, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """CPU of a process that logs nothing."""
    if contender.name != "ours":
        pytest.skip("a row of ours")
    contender.finish()
    seconds = max(1.0, request.config.getoption("--seconds"))
    time.sleep(1.0)  # lets the writer fall asleep: this bench measures waiting itself
    before = cpu()
    benchmark.pedantic(time.sleep, args=(seconds,), rounds=1)
    benchmark.extra_info["cpu_ms_per_s"] = (cpu() - before) / seconds * 1_000
