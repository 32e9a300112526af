"""What happens beside the calls."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

OURS = "ours"
# What the machine and the interpreter do alone.
CONTROL = "native_call"


@contextmanager
def busy_thread() -> Iterator[None]:
    """A second Python thread that always has something to do."""
    stopped = False

    def work() -> None:
        while not stopped:
            sum(range(100))

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stopped = True
    thread.join()


@contextmanager
def busy_process() -> Iterator[None]:
    """A process that always has something to do; it ends with this one, however that ends."""
    program = f"import os\nwhile os.getppid() == {os.getpid()}: sum(range(10_000))"
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        yield
        process.kill()


@dataclass(frozen=True)
class Scenario:
    """Paced calls, and what happens beside them."""

    title: str
    beside: Callable[[], AbstractContextManager[None]] = nullcontext
    level: str = "info"
    rate: int = 20_000
    contenders: tuple[str, ...] = (OURS, CONTROL)
    options: dict[str, Any] = field(default_factory=dict)


SCENARIOS = {
    "alone": Scenario("alone", contenders=(OURS, CONTROL, "stdlib_queue", "spdlog_file")),
    "shm": Scenario("alone, black box in shared memory", contenders=(OURS,), options={"black_box": "shm"}),
    # Nothing is removed, so that every line can be counted.
    "rotation": Scenario(
        "app.log is rotated at 8 MB", contenders=(OURS,), options={"max_bytes": "8MB", "backup_count": 1_000}
    ),
    "thread": Scenario("beside a busy Python thread", busy_thread),
    "process": Scenario("beside a busy process", busy_process),
    "errors": Scenario("ERROR, 1,000/s", level="error", rate=1_000),
}
