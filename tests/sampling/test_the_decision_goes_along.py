"""The decision on a trace goes along to other threads, tasks and processes."""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kinds import Records, Run, Start

from unified_logger import LoggingContext, _core, carry, continue_trace, get_logger, trace_headers

# The low bits of the first are sampled at a ratio of one half, and those of the second are not.
SAMPLED = "0af7651916cd43dd84f8eb211c80319c"
UNSAMPLED = "0af7651916cd43dd8407eb211c80319c"
SPAN = "b7ad6b7169203331"
HALF = {"traces": {"ratio": 0.5}}


def in_thread(function: Callable[[], None]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def in_pool(function: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(function).result()


def in_task(function: Callable[[], None]) -> None:
    async def main() -> None:
        async def task() -> None:
            function()

        await asyncio.create_task(task())

    asyncio.run(main())


@pytest.mark.parametrize("elsewhere", [in_thread, in_pool, in_task])
def test_work_elsewhere_follows(start: Start, records: Records, elsewhere: Any) -> None:
    """A decision of the sender too, which the ids alone would not tell."""
    start(sampling=HALF)
    logger = get_logger("app")
    for trace, flag in ((UNSAMPLED, "01"), (SAMPLED, "00")):
        with continue_trace({"traceparent": f"00-{trace}-{SPAN}-{flag}"}):
            logger.info("here")
            elsewhere(carry(lambda: logger.info("elsewhere")))
    assert [(record["trace_id"], record["message"]) for record in records()] == [
        (UNSAMPLED, "here"),
        (UNSAMPLED, "elsewhere"),
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_other_processes_follow(run_python: Run, tmp_path: Any) -> None:
    """Children by fork, and workers to which a function is carried, with and without sampling of their own."""
    program = f"""
import json, multiprocessing, os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from unified_logger import carry, continue_trace, flush_logging, get_logger, init_logging, trace_headers

def work(number):
    get_logger("app").info("worker")
    return trace_headers()["traceparent"][-2:]

def begin(sampling):
    init_logging(log_dir="logs", console_format="off", sampling=sampling)

if __name__ == "__main__":
    begin({HALF})
    told = []
    for trace, flag in (("{UNSAMPLED}", "01"), ("{SAMPLED}", "00")):
        with continue_trace({{"traceparent": f"00-{{trace}}-{SPAN}-{{flag}}"}}):
            get_logger("app").info("parent")
            if not (child := os.fork()):
                get_logger("app").info("child")
                flush_logging()
                os._exit(0)
            os.waitpid(child, 0)
            for sampling in ({HALF}, {{}}):
                methods = multiprocessing.get_context("spawn")
                with ProcessPoolExecutor(1, mp_context=methods, initializer=begin, initargs=(sampling,)) as pool:
                    told.append(pool.submit(carry(work), 1).result())
    flush_logging()
    assert told == ["01", "01", "00", "00"], told
"""
    run_python(program)
    lines = (tmp_path / "logs" / "app.log").read_text(encoding="utf-8").splitlines()
    found = [(record["trace_id"], record["message"]) for record in map(json.loads, lines)]
    # A worker that samples no traces writes them all.
    assert sorted(found) == sorted(
        [(UNSAMPLED, each) for each in ("parent", "child", "worker", "worker")] + [(SAMPLED, "worker")]
    )


@pytest.mark.parametrize("chosen", ["consistent", "legacy"])
def test_what_is_carried_to_another_process_has_the_whole_decision(start: Start, chosen: str) -> None:
    """Whatever the ratio is there. A process that samples no traces sends it on, too."""
    found = {}
    for ratio in (0.25, 0):
        start(sampling={"traces": {"ratio": ratio, "otel_ratio": chosen}})
        # By either of the two ways a trace of this id is one of four.
        with LoggingContext(trace_id="1" * 16 + "00ff" + "1" * 12):
            current = _core.current_context()
            assert current is not None
            sent = [pickle.dumps(carry(function)) for function in (_core.current_context, trace_headers)]
            found[ratio] = current.sampling, sent
    start(sampling={"traces": {"ratio": 0.5}})
    for ratio, (sampling, (context, _)) in found.items():
        assert sampling is not None
        assert (sampling[0], sampling[2]) == ((1, 4) if ratio else (0, 1))
        assert pickle.loads(context)().sampling == sampling
    start()
    for ratio, (_, (_, headers)) in found.items():
        assert pickle.loads(headers)()["traceparent"][-2:] == ("01" if ratio else "00")
