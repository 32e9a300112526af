"""For programs under the shim: loops that cost nothing themselves, and what a thread allocates in them."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
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


def switches(process: int | str = "self") -> int:
    """How often the threads of a process that are not Python's own went to sleep so far.

    Args:
        process: Its number.
    """
    tasks = [task for task in Path(f"/proc/{process}/task").iterdir() if task.name != str(process)]
    texts = [(task / "status").read_text() for task in tasks if (task / "comm").read_text().startswith("unified")]
    return sum(int(text.partition("\nvoluntary_ctxt_switches:")[2].split()[0]) for text in texts)


def wait_until_idle(processes: Sequence[int | str] = ("self",), timeout: float = 60) -> None:
    """Waits until there is a second in which the library's threads of each of these processes woke less than four times.

    Args:
        processes: Their numbers.
        timeout: Seconds.
    """
    end = time.monotonic() + timeout
    while True:
        before = [switches(process) for process in processes]
        time.sleep(1)
        woken = [switches(process) - count for process, count in zip(processes, before, strict=True)]
        if max(woken) < 4:
            return
        assert time.monotonic() < end, f"they never slept: woken {woken} times in a second"


def forbid_system_calls() -> bool:
    """Ends the process with SIGSYS at the next system call of this thread but the one that ends the process.

    Returns:
        Whether the system lets a thread do so.
    """
    return _shim.forbid_system_calls() == 0
