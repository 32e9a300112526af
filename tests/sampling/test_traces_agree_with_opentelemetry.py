"""A trace that begins here is sampled exactly when a sampler of OpenTelemetry with the same ratio samples it.

`SAMPLING_IDS=1000000` compares as many trace ids at each ratio.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

pytest.importorskip("opentelemetry.sdk")
pytest.importorskip("opentelemetry.sdk.trace._sampling_experimental")

from opentelemetry.sdk.trace import _sampling_experimental as experimental
from opentelemetry.sdk.trace.sampling import Decision, Sampler, TraceIdRatioBased
from opentelemetry.trace import TraceState, format_trace_id

from unified_logger import _core

IDS = int(os.environ.get("SAMPLING_IDS", "20000"))
RATIOS = (0.0, 1.0, 0.5, 0.25, 0.75, 0.1, 0.01, 0.001, 1 / 3, 0.9, 1e-6, 0.999999)
SAMPLED = 1


@pytest.fixture(autouse=True)
def off_again() -> Iterator[None]:
    """All traces after each test."""
    yield
    _core.set_trace_sampling(None, 1.0, 0)


def ids(seed: int) -> list[int]:
    """Random trace ids, the same for the same seed. The first and the last of their kind are among them."""
    chosen = random.Random(seed)
    edges = [low << 64 | bits for low in (1, 2**64 - 1) for bits in (0, 2**55 - 1, 2**55, 2**56 - 1, 2**63, 2**64 - 1)]
    return [*edges, *(chosen.getrandbits(128) or 1 for _ in range(IDS))]


def ours(chosen: str, ratio: float, numbers: list[int]) -> list[tuple[bool, str]]:
    """Whether each is sampled here, and the `tracestate` that says so."""
    _core.set_trace_sampling(chosen, ratio, 40)
    context = _core.Context
    found = (context(f"{number:032x}", None, {}).sent or (0, "") for number in numbers)
    return [(bool(flags & SAMPLED), state) for flags, state in found]


def theirs(sampler: Sampler, numbers: list[int]) -> list[tuple[bool, str]]:
    """The same of a sampler of OpenTelemetry's SDK."""
    decide = sampler.should_sample
    found = (decide(None, number, "span") for number in numbers)
    return [
        (result.decision is Decision.RECORD_AND_SAMPLE, (result.trace_state or TraceState()).to_header())
        for result in found
    ]


@pytest.mark.parametrize("ratio", RATIOS)
def test_consistent_is_the_composite_sampler(ratio: float) -> None:
    """Each decision, and what is said of it."""
    numbers = ids(7)
    sampler = experimental.composite_sampler(experimental.composable_traceid_ratio_based(ratio))
    assert ours("consistent", ratio, numbers) == theirs(sampler, numbers)


@pytest.mark.parametrize("ratio", RATIOS)
def test_legacy_is_the_older_sampler(ratio: float) -> None:
    """Which says nothing of its ratio."""
    numbers = ids(8)
    assert ours("legacy", ratio, numbers) == theirs(TraceIdRatioBased(ratio), numbers)


def test_the_two_samplers_are_not_each_other() -> None:
    """They look at different bits, so each must be met by its own name."""
    numbers = ids(9)
    both = zip(ours("consistent", 0.5, numbers), ours("legacy", 0.5, numbers), strict=True)
    shared = sum(one[0] and other[0] for one, other in both) / len(numbers)
    # 1/4 with a standard deviation of 0.003 for 20,000 ids.
    assert 0.22 < shared < 0.28


@pytest.mark.parametrize("ratio", [0.5, 0.1, 0.01])
def test_the_share_and_the_count_are_right(ratio: float) -> None:
    """The number of traces is estimated within five standard deviations, for either way of choosing and for any ids."""
    numbers = ids(10)
    texts = [format_trace_id(number) for number in numbers]
    for chosen in ("consistent", "legacy"):
        _core.set_trace_sampling(chosen, ratio, 40)
        for each in (texts, [f"order-{number}" for number in range(len(numbers))]):
            found = [_core.Context(text, None, {}).sampling or (0, None, 0.0) for text in each]
            total = sum(count for flags, _, count in found if flags & SAMPLED)
            deviation = (len(each) * (1 - ratio) / ratio) ** 0.5
            assert abs(total - len(each)) < 5 * deviation
