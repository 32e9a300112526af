"""What a call costs its caller."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

import pytest

from . import sizes
from .started import Contender

ENOUGH_FOR_P9999 = 10_000  # calls: of fewer, the slowest would stand for one in ten thousand


@pytest.mark.benchmark(group="call")
def test_call(contender: Contender, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """The guide's record in a tight loop: rounds of up to 5,000 calls with a flush between; only the calls are timed."""
    seconds = request.config.getoption("--budget")
    calls = sizes.loop(contender.per_record, seconds, sizes.LOOP)
    rounds = sizes.rounds(contender.per_record, calls, seconds, request.config.getoption("--rounds"))
    benchmark.extra_info["loop"] = calls
    benchmark.pedantic(contender.calls, args=(calls,), setup=contender.module.finish, rounds=rounds)


@pytest.mark.benchmark(group="disabled")
def test_disabled(contender: Contender, module: ModuleType, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """The same record at DEBUG, which is off."""
    if not hasattr(module, "disabled"):
        pytest.skip("has no levels")
    benchmark.extra_info["loop"] = sizes.LOOP
    benchmark.pedantic(module.disabled, args=(sizes.LOOP,), rounds=request.config.getoption("--rounds"))


def failed(depth: int = 9) -> BaseException:
    """An exception with ten frames."""

    def down(left: int) -> None:
        if left:
            down(left - 1)
        else:
            raise ValueError("处理失败")

    try:
        down(depth - 1)
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.benchmark(group="exception")
def test_exception(contender: Contender, module: ModuleType, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """An error with an exception of ten frames."""
    if not hasattr(module, "errors"):
        pytest.skip("takes no exceptions")
    error = failed()
    seconds, most = request.config.getoption("--budget"), max(3, request.config.getoption("--rounds") // 2)
    began, first = time.perf_counter(), 20
    contender.errors(first, error)
    contender.finish()
    per_error = (time.perf_counter() - began) / first
    calls = sizes.loop(per_error, seconds, sizes.ERRORS)
    rounds = sizes.rounds(per_error, calls, seconds, most)
    benchmark.extra_info["loop"] = calls
    benchmark.pedantic(contender.errors, args=(calls, error), setup=module.finish, rounds=rounds)


@pytest.mark.benchmark(group="paced")
def test_paced(contender: Contender, module: ModuleType, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """20,000 calls a second, each timed: what a service sees. Who is slower gets as many as fit into the time."""
    if module.KIND == "calls":
        pytest.skip("is no logger")
    clock = time.perf_counter_ns
    seconds = request.config.getoption("--seconds")
    count = sizes.records(contender.per_record, seconds, int(20_000 * seconds))
    taken: list[int] = [0] * count

    def paced() -> None:
        call, due = module.calls, clock()
        for index in range(count):
            due += 50_000
            while clock() < due:
                pass
            started = clock()
            call(1)
            taken[index] = clock() - started

    contender.asked += count
    benchmark.pedantic(paced, rounds=1)
    taken.sort()
    for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999)):
        if name != "p99.99" or count >= ENOUGH_FOR_P9999:
            benchmark.extra_info[name] = taken[min(count - 1, int(count * share))]


@pytest.mark.benchmark(group="paced errors")
def test_paced_errors(contender: Contender, module: ModuleType, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """1,000 calls a second at ERROR, without an exception: they wake the writer."""
    if not module.__name__.endswith(".ours"):
        pytest.skip("a row of ours")
    clock = time.perf_counter_ns
    count = int(1_000 * request.config.getoption("--seconds"))
    taken: list[int] = []
    error = module.logger.error

    def paced() -> None:
        due = clock()
        for _ in range(count):
            due += 1_000_000
            while clock() < due:
                pass
            started = clock()
            error("API 请求处理", endpoint="/api/ai/chat", method="POST", status_code=500)
            taken.append(clock() - started)

    contender.asked += count
    benchmark.pedantic(paced, rounds=1)
    taken.sort()
    for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)):
        benchmark.extra_info[name] = taken[min(count - 1, int(count * share))]
