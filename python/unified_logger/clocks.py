"""The clocks of durations and deadlines, which keep running when a test freezes time.

freezegun replaces the functions of `time` in all modules. A duration that begins outside a freeze and ends inside would be years long or
negative. So these are other functions, which call those of `time`.
"""

from __future__ import annotations

import sys
import time
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _of_time(name: str) -> Callable[[], float]:
    # This module may be imported inside a freeze.
    real = getattr(sys.modules.get("freezegun.api"), f"real_{name}", None)
    return partial(real or getattr(time, name))


monotonic: Callable[[], float] = _of_time("monotonic")
perf_counter_ns: Callable[[], int] = _of_time("perf_counter_ns")  # type: ignore[assignment]
