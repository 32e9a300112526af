"""The clocks of durations and deadlines, which stay as they are where a test freezes time.

freezegun looks through all modules for the functions of `time` and puts functions of its own in their place. A duration that begins outside of a
freeze and ends inside would be one of years, before zero or after. So these are other functions, which call those of `time`.
"""

from __future__ import annotations

import sys
import time
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _of_time(name: str) -> Callable[[], float]:
    # This may be imported inside of a freeze.
    real = getattr(sys.modules.get("freezegun.api"), f"real_{name}", None)
    return partial(real or getattr(time, name))


monotonic: Callable[[], float] = _of_time("monotonic")
perf_counter_ns: Callable[[], int] = _of_time("perf_counter_ns")  # type: ignore[assignment]
