"""The figures to reach: what was seen of each, the verdict, and how that differs from what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Result = dict[str, Any]  # of one bench: its group, its best round in seconds, and what else it found
Results = Mapping[str, Mapping[str, Mapping[str, Any]]]  # by contender, by group
Figures = Mapping[str, float]  # by a goal's key

NOISE = 0.15  # by so much of itself a figure may differ between two runs of the same code
TAIL_NOISE = 0.5  # the slowest calls of many are whoever else ran on the machine


def value(results: Results, name: str, group: str, key: str) -> float | None:
    """One figure of a bench, or None where there is none."""
    found = results.get(name, {}).get(group, {}).get(key)
    return None if found is None else float(found)


def per_call(results: Results, name: str, group: str) -> float | None:
    """Nanoseconds of one call, the best round."""
    return _times(ratio(value(results, name, group, "min"), value(results, name, group, "loop")), 1e9)


def rate(results: Results, name: str, group: str) -> float | None:
    """Records a second; none where some of them did not come to the disk."""
    asked, lines = value(results, name, group, "expected"), value(results, name, group, "lines")
    if asked is not None and lines is not None and lines < asked:
        return None
    return ratio(value(results, name, group, "records"), value(results, name, group, "min"))


def ratio(above: float | None, below: float | None) -> float | None:
    """One figure in terms of another, or None where one of them is missing."""
    return None if above is None or not below else above / below


def _times(figure: float | None, factor: float) -> float | None:
    return None if figure is None else figure * factor


@dataclass(frozen=True)
class Goal:
    """A figure to reach.

    Attributes:
        key: Its name among the recorded figures.
        what: What it is, for readers.
        reach: The bound that it is to keep.
        stretch: The bound beyond that, where there is one.
        seen: Finds it in the results.
        why: What lies between it and the stretch: told where that is not reached.
        more: True where more is better.
        absolute: True where it depends on the machine and not only on the code.
        optional: True where it is left out when what it compares with is not there.
        noise: By so much of itself it may differ between two runs of the same code.
    """

    key: str
    what: str
    reach: float
    stretch: float | None
    seen: Callable[[Results], float | None]
    why: str = ""
    more: bool = False
    absolute: bool = False
    optional: bool = False
    noise: float = NOISE

    def keeps(self, seen: float, bound: float) -> bool:
        """Whether a figure keeps a bound."""
        return seen >= bound if self.more else seen <= bound

    def verdict(self, seen: float | None) -> str:
        """In words."""
        if seen is None:
            return "not measured"
        if self.stretch is not None and self.keeps(seen, self.stretch):
            return "stretch reached"
        return "reached" if self.keeps(seen, self.reach) else "not reached"


def _call(results: Results, name: str = "ours", group: str = "call") -> float | None:
    return per_call(results, name, group)


def _paced(key: str) -> Callable[[Results], float | None]:
    return lambda results: _times(value(results, "ours", "paced", key), 1e-3)


def _against_one(group: str) -> Callable[[Results], float | None]:
    return lambda results: ratio(rate(results, "ours", group), rate(results, "ours", "throughput"))


def _best_native_rate(results: Results) -> float | None:
    rates = [rate(results, name, "throughput") for name in ("rust_tracing", "cpp_spdlog")]
    return max((found for found in rates if found is not None), default=None)


def _threads(results: Results) -> float | None:
    threads = value(results, "ours", "import", "threads")
    return None if threads is None else threads - 1


_CALL = (
    "Beyond a call that does nothing there is the work itself: find the call site, read the clock, take a slot, copy the message and five fields, "
    "number and sum the record up for the black box, queue it."
)
_TAIL = "Loop and clock are timed too, and a call that meets the writer, another process or an interrupt on its core waits for it."
_WRITER = "One thread renders every line as JSON and hands it to `write(2)`, which copies it into the page cache."


def goals(cores: int, free_threaded: bool) -> list[Goal]:
    """All of them.

    Args:
        cores: Of the machine: several processes can be faster together only where there are as many.
        free_threaded: Whether threads of the interpreter run at the same time.
    """
    return [
        Goal("call", "call, tight loop, × a native call that does nothing", 4, 3,
             lambda r: ratio(_call(r), _call(r, "native_call")), _CALL),
        Goal("stdlib", "stdlib QueueHandler + JSON, × ours", 50, 80,
             lambda r: ratio(_call(r, "stdlib_queue"), _call(r)), _CALL, more=True),
        Goal("dumps", "ours, × building the dict and orjson.dumps of it", 0.3, 0.2,
             lambda r: ratio(_call(r), _call(r, "orjson_literal")), _CALL),
        Goal("disabled", "disabled level, × a native call that does nothing", 1.4, 1.2,
             lambda r: ratio(_call(r, group="disabled"), _call(r, "native_call")),
             "The level is compared with that of the logger and its parents, which can change at any time."),
        Goal("call_cpp", "call, × spdlog's call in C++", 1, None,
             lambda r: ratio(_call(r), _call(r, "cpp_spdlog")), _CALL, optional=True),
        Goal("p99", "paced 20,000/s, p99, µs", 2, 0.5, _paced("p99"), _TAIL, absolute=True, noise=TAIL_NOISE),
        Goal("p99.9", "paced 20,000/s, p99.9, µs", 10, 1, _paced("p99.9"), _TAIL, absolute=True, noise=TAIL_NOISE),
        Goal("p99.99", "paced 20,000/s, p99.99, µs", 50, 10, _paced("p99.99"), _TAIL, absolute=True, noise=TAIL_NOISE),
        Goal("sustained", "sustained to disk, million records/s", 1.5, 3,
             lambda r: _times(rate(r, "ours", "throughput"), 1e-6), _WRITER, more=True, absolute=True),
        Goal("native", "sustained to disk, × the better of tracing in Rust and spdlog in C++", 3, 4,
             lambda r: ratio(rate(r, "ours", "throughput"), _best_native_rate(r)), _WRITER, more=True, optional=True),
        Goal("stdlib_through", "logging through ours to disk, × stdlib QueueHandler + JSON", 3, None,
             lambda r: ratio(rate(r, "stdlib_through_ours", "throughput"), rate(r, "stdlib_queue", "throughput")),
             "Most of such a call is `logging`'s own work.", more=True, optional=True),
        Goal("stdlib_native", "logging made native to disk, × stdlib QueueHandler + JSON", 10, 20,
             lambda r: ratio(rate(r, "stdlib_native", "throughput"), rate(r, "stdlib_queue", "throughput")),
             _WRITER, more=True, optional=True),
        Goal("threads", "4 threads, × one", 0.9, 1.5 if free_threaded else None, _against_one("throughput, 4 threads"),
             "Threads of an interpreter with a lock take turns: each turn is a switch more than one thread has.", more=True),
        Goal("processes", "4 processes on one directory, × one", 0.9, 1.5 if cores >= 4 else None,
             _against_one("throughput, 4 processes"),
             "Four callers and four writers share the cores, and the writers take turns at the files.", more=True),
        Goal("exception", "exception of 10 frames, stdlib × ours", 10, 40,
             lambda r: ratio(_call(r, "stdlib_file", "exception"), _call(r, group="exception")),
             "The frames are copied by the caller.", more=True),
        Goal("cpu", "CPU seconds per million records", 0.8, 0.5,
             lambda r: value(r, "ours", "throughput", "cpu_s_per_million"), _WRITER, absolute=True),
        Goal("memory", "memory beyond the bare interpreter after a million records, MB", 20, 10,
             lambda r: value(r, "ours", "memory", "held_mb"),
             "About half of it is there after the import, most of that modules of Python; the rest are the slots of the queue that were used. "
             "`pathlib`, which the bench itself needs, counts with it."),
        Goal("idle", "idle CPU, ms per s", 1, None, lambda r: value(r, "ours", "idle", "cpu_ms_per_s"),
             "The writer looks for records every 50 ms.", absolute=True, noise=TAIL_NOISE),
        Goal("import", "import, ms", 30, 15, lambda r: _times(value(r, "ours", "import", "import_s"), 1e3),
             "Most of it is the import of `logging` and other modules of Python.", absolute=True),
        Goal("import_threads", "threads started by the import", 0, None, _threads),
    ]  # fmt: skip


def figures(found: list[Goal], results: Results) -> dict[str, float]:
    """What was seen, by key; without those that were not measured."""
    seen = {goal.key: goal.seen(results) for goal in found}
    return {key: figure for key, figure in seen.items() if figure is not None}


def figure(number: float) -> str:
    """A number with three digits that count."""
    if number == 0:
        return "0"
    return f"{number:,.0f}" if abs(number) >= 100 else f"{float(f'{number:.3g}'):g}"


def table(found: list[Goal], seen: Figures) -> str:
    """Each goal beside what was seen, and then what lies between it and the stretch where that is not reached."""
    rows = ["| figure | reach | stretch | seen | verdict |", "| --- | ---: | ---: | ---: | --- |"]
    short: dict[str, list[str]] = {}
    for goal in found:
        number = seen.get(goal.key)
        if number is None and goal.optional:
            continue
        sign = "≥" if goal.more else "≤"
        stretch = "–" if goal.stretch is None else f"{sign} {goal.stretch:g}"
        verdict = goal.verdict(number)
        shown = "–" if number is None else figure(number)
        rows.append(f"| {goal.what} | {sign} {goal.reach:g} | {stretch} | {shown} | {verdict} |")
        if goal.why and (verdict == "not reached" or (verdict == "reached" and goal.stretch is not None)):
            short.setdefault(goal.why, []).append(goal.what)
    if short:
        rows += ["", "What lies between these figures and their stretch:", ""]
        rows += [f"- {'; '.join(whats)}. {why}" for why, whats in short.items()]
    return "\n".join(rows)


def changes(found: list[Goal], recorded: Figures, seen: Figures, same_machine: bool) -> str:
    """Each figure beside the one recorded, for a terminal; those that differ by more than noise are marked.

    Args:
        found: The goals.
        recorded: Their figures when the page was written.
        seen: Their figures now.
        same_machine: Whether figures in seconds can be compared.
    """
    rows = [f"{'figure':<72} {'recorded':>9} {'now':>9} {'change':>8}   noise"]
    left_out = 0
    for goal in found:
        before, now = recorded.get(goal.key), seen.get(goal.key)
        if before is None and now is None:
            continue
        if goal.absolute and not same_machine:
            left_out += 1
            continue
        shown = (
            f"{goal.what:<72} {'–' if before is None else figure(before):>9} {'–' if now is None else figure(now):>9}"
        )
        rows.append(f"{shown} {change(goal, before, now)}".rstrip())
    if left_out:
        rows.append(f"{left_out} figures in seconds and the like are left out: they were recorded on another machine.")
    return "\n".join(rows)


def change(goal: Goal, before: float | None, now: float | None) -> str:
    """How a figure changed, marked where that is more than noise."""
    if before is None or now is None:
        return f"{'new' if before is None else 'missing':>8}"
    by = 0.0 if now == before else now / before - 1 if before else float("inf")
    text = f"{by:>+8.0%}   ±{goal.noise:.0%}"
    if abs(by) <= goal.noise:
        return text
    return f"{text}   {'BETTER' if (by > 0) == goal.more else 'WORSE'}"
