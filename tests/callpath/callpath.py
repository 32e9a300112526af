"""For programs under the shim: loops that cost nothing themselves, and what a thread allocates in them."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any

from unified_logger import flush_logging

_shim = ctypes.CDLL(None)
_shim.allocations_of_this_thread.restype = ctypes.c_void_p
_count = ctypes.c_uint64.from_address(_shim.allocations_of_this_thread())

# Some versions of Python prepare a function for speed after its 1,024th run.
_WARM_UP = 2_000
_ROUNDS, _ROUND = 10, 1_000


def loop(body: str, **names: Any) -> Callable[[int], None]:
    """A function that runs a statement so many times in one frame; going round allocates nothing.

    Args:
        body: The statement, one line.
        names: What it may use.
    """
    names["repeat"] = repeat
    exec(f"def run(times):\n    for _ in repeat(None, times):\n        {body}", names)
    run: Callable[[int], None] = names["run"]
    return run


def allocations(body: str, **names: Any) -> float:
    """How often the thread asks for memory in each run of a statement, over 10,000 runs after a warm-up.

    Args:
        body: The statement, one line.
        names: What it may use.
    """
    run = loop(body, **names)

    def counted(times: int) -> int:
        before = _count.value
        run(times)
        return int(_count.value) - before

    run(_WARM_UP)
    total = 0
    for _ in range(_ROUNDS):
        # The writer follows, so that there are free buffers in every round.
        assert flush_logging(60)
        # Beginning a loop costs something as well.
        total += counted(_ROUND + 1) - counted(1)
    return total / (_ROUNDS * _ROUND)


def wait_until_the_writer_sleeps(timeout: float = 30) -> None:
    """Waits until only a call could wake the writer.

    Args:
        timeout: Seconds.
    """
    end = time.monotonic() + timeout
    [writer] = [task for task in Path("/proc/self/task").iterdir() if (task / "comm").read_text() == "unified_logger\n"]
    while (writer / "stat").read_text().rpartition(") ")[2][0] != "S":
        assert time.monotonic() < end, "the writer never slept"
        time.sleep(0.001)


def forbid_system_calls() -> bool:
    """Ends the process with SIGSYS at the next system call of this thread but the one that ends the process.

    Returns:
        Whether the system lets a thread do so.
    """
    return _shim.forbid_system_calls() == 0
