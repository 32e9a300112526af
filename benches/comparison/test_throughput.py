"""Records a second, from the first call to the last byte on disk."""

from __future__ import annotations

import multiprocessing
import os
import resource
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from .conftest import Contender


def records_for(module: ModuleType, request: pytest.FixtureRequest) -> int:
    """As many as make the start and the end of the run small beside it."""
    records: int = request.config.getoption("--records")
    return records * 5 if ".ours" in module.__name__ else records


def cpu() -> float:
    """CPU seconds of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@pytest.mark.benchmark(group="throughput")
def test_one_thread(contender: Contender, module: ModuleType, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """One thread."""
    if module.KIND == "calls":
        pytest.skip("writes nothing")
    records = records_for(module, request)
    contender.finish()
    before = cpu()

    def run() -> None:
        contender.calls(records)
        contender.finish()

    benchmark.pedantic(run, rounds=2)
    benchmark.extra_info["records"] = records
    benchmark.extra_info["cpu_s_per_million"] = (cpu() - before) / (2 * records) * 1e6
    benchmark.extra_info["max_rss_kib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.benchmark(group="throughput, 4 threads")
def test_four_threads(contender: Contender, module: ModuleType, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """Four threads of one process."""
    if module.KIND == "calls":
        pytest.skip("writes nothing")
    records = records_for(module, request)

    def run() -> None:
        threads = [threading.Thread(target=module.calls, args=(records // 4,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        contender.finish()

    contender.expected += records // 4 * 4
    benchmark.pedantic(run, rounds=1)
    benchmark.extra_info["records"] = records // 4 * 4


def _process(module_name: str, folder: Path, count: int, begin: Any, done: Any) -> None:
    import importlib

    module = importlib.import_module(module_name)
    module.start(folder)
    begin.wait()
    module.calls(count)
    module.finish()
    done.wait()


@pytest.mark.benchmark(group="throughput, 4 processes")
def test_four_processes(module: ModuleType, benchmark: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Four processes that write to one directory."""
    if not module.__name__.endswith((".ours", ".stdlib_file")):
        pytest.skip("not made for several processes on one file")
    records = records_for(module, request)
    context = multiprocessing.get_context("spawn")
    begin, done = context.Barrier(5), context.Barrier(5)
    processes = [
        context.Process(target=_process, args=(module.__name__, tmp_path, records // 4, begin, done)) for _ in range(4)
    ]
    environment = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), environment])
    for process in processes:
        process.start()
    os.environ["PYTHONPATH"] = environment
    begin.wait()

    benchmark.pedantic(done.wait, rounds=1)  # from the moment all begin until all have flushed
    for process in processes:
        process.join()
    lines = (tmp_path / "app.log").read_text(encoding="utf-8").count("\n")
    benchmark.extra_info.update(
        contender=module.__name__.rpartition(".")[2], records=records // 4 * 4, lines=lines, expected=records // 4 * 4
    )


@pytest.mark.benchmark(group="idle")
def test_idle(contender: Contender, module: ModuleType, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """CPU of a process that logs nothing."""
    if not module.__name__.endswith(".ours"):
        pytest.skip("a row of ours")
    contender.finish()
    seconds = max(1.0, request.config.getoption("--seconds"))
    time.sleep(1.0)  # lets the writer fall asleep: this bench measures waiting itself
    before = cpu()
    benchmark.pedantic(time.sleep, args=(seconds,), rounds=1)
    benchmark.extra_info["cpu_ms_per_s"] = (cpu() - before) / seconds * 1_000
