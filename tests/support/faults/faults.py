"""For programs under the shim: what shall fail from now on, what was met of it, and logging with numbers."""

from __future__ import annotations

import errno
import json
import mmap
import os
import struct
import time
from typing import Any

_OPS = {
    name: number
    for number, name in enumerate(
        "write sync truncate open rename lock stat mkdir access look mode unlink read".split()
    )
}
_RULES, _RULE, _FIRST = 16, 128, 256
_FOR_EVER = 0xFFFFFFFF

_page: mmap.mmap


def use(control: str | os.PathLike[str]) -> None:
    """Lets the functions below speak of the programs under this file, as they do in such a program of their own."""
    global _page
    with open(control, "r+b") as file:
        _page = mmap.mmap(file.fileno(), 4096)


if "FAULTS_CONTROL" in os.environ:
    use(os.environ["FAULTS_CONTROL"])


def fail(
    *ops: str,
    error: str | None = None,
    delay: float = 0.0,
    match: str = "",
    skip: int = 0,
    times: int = _FOR_EVER,
    budget: int = -1,
    kills: bool = False,
) -> int:
    """Lets calls on files below the log directory fail from now on.

    Args:
        ops: Kinds of calls.
        error: Name of the errno; without one the call only takes its time.
        delay: Seconds it takes.
        match: Part of the path; every path holds the empty one. With a star in it, it is a pattern of the whole path.
        skip: Calls that go well first.
        times: Calls that fail after those.
        budget: Bytes that can be written before it begins: the write that crosses it is cut short.
        kills: Whether the process dies before the call instead, as by SIGKILL.

    Returns:
        The rule's number, for `hits`.
    """
    for number in range(_RULES):
        at = _FIRST + number * _RULE
        if struct.unpack_from("=I", _page, at)[0] == 0:
            code = getattr(errno, error) if error else 0
            rule = struct.pack("=iIIIIq96s", code, int(delay * 1000), skip, times, kills, budget, match.encode())
            struct.pack_into("=Q", _page, 128 + number * 8, 0)
            _page[at + 4 : at + 4 + len(rule)] = rule
            struct.pack_into("=I", _page, at, sum(1 << _OPS[op] for op in ops))
            return number
    raise RuntimeError("no rule is free")


def mend() -> None:
    """Lets everything go well again, delays under way included."""
    for number in range(_RULES):
        struct.pack_into("=I", _page, _FIRST + number * _RULE, 0)


def lift(rule: int) -> None:
    """Lets what one rule was for go well again."""
    struct.pack_into("=I", _page, _FIRST + rule * _RULE, 0)


def _hits(rule: int) -> int:
    """How often a rule was met."""
    return int(struct.unpack_from("=Q", _page, 128 + rule * 8)[0])


def calls(op: str) -> int:
    """Calls of a kind on files below the log directory so far."""
    return int(struct.unpack_from("=Q", _page, _OPS[op] * 8)[0])


def was_met(rule: int) -> bool:
    """Whether a rule was met at all."""
    return _hits(rule) > 0


def wait_for(rule: int, hits: int = 1, timeout: float = 30) -> None:
    """Waits until a rule was met."""
    end = time.monotonic() + timeout
    while _hits(rule) < hits:
        assert time.monotonic() < end, "the fault was never met"
        time.sleep(0.001)


def log(logger: Any, numbers: range, text: str = "m") -> float:
    """Logs numbered records, every tenth an error; tells the seconds of the longest call."""
    longest = 0.0
    for number in numbers:
        call = logger.error if number % 10 == 0 else logger.info
        begin = time.perf_counter()
        call(text, number=number)
        longest = max(longest, time.perf_counter() - begin)
    return longest


def report(**more: Any) -> None:
    """Prints the statistics and what else the test wants to know."""
    from unified_logger import get_stats

    print(json.dumps({"stats": get_stats(), **more}), flush=True)
