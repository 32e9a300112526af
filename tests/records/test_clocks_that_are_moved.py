"""Packages that stop or move the clocks of a program under test: records have the time that `time` says, by both interfaces."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

START = """
import logging, sys, threading
from unified_logger import *

options = {"native": {"native_stdlib": True}, "plain": {}, "stdlib": {}}[sys.argv[1]]
init_logging(log_dir="logs", console_format="off", **options)
ours, theirs = get_logger("ours"), logging.getLogger("theirs")

def log(message):
    ours.info(message)
    theirs.info(message)
    ours.bind(bound=True).info("%s", message)

# The processor's counter tells the time by now.
for _ in range(3_000):
    log("before")
"""

FREEZEGUN = """
import freezegun

with freezegun.freeze_time("2012-01-14 03:21:34.123456") as clock:
    log("2012-01-14T03:21:34.123456")
    thread = threading.Thread(target=log, args=["2012-01-14T03:21:34.123456"])
    thread.start()
    thread.join()
    clock.tick(10)
    log("2012-01-14T03:21:44.123456")
    with freezegun.freeze_time("2000-01-01"):
        log("2000-01-01T00:00:00.000000")
    log("2012-01-14T03:21:44.123456")
    clock.move_to("2036-05-06")
    log("2036-05-06T00:00:00.000000")
log("real")
with freezegun.freeze_time("1999-12-31", tick=True):
    log("1999-12-31")
log("real")
"""

TIME_MACHINE = """
import datetime
import time_machine

with time_machine.travel(datetime.datetime(2012, 1, 14, 3, 21, 34, 123456, tzinfo=datetime.timezone.utc), tick=False) as clock:
    log("2012-01-14T03:21:34.123456")
    thread = threading.Thread(target=log, args=["2012-01-14T03:21:34.123456"])
    thread.start()
    thread.join()
    clock.shift(10)
    log("2012-01-14T03:21:44.123456")
    with time_machine.travel(0, tick=False):
        log("1970-01-01T00:00:00.000000")
    log("2012-01-14T03:21:44.123456")
    clock.move_to(datetime.datetime(2036, 5, 6, tzinfo=datetime.timezone.utc))
    log("2036-05-06T00:00:00.000000")
log("real")
with time_machine.travel(datetime.datetime(1999, 12, 31, tzinfo=datetime.timezone.utc)):
    log("1999-12-31")
log("real")
"""


@pytest.mark.parametrize(
    "mover", [FREEZEGUN, TIME_MACHINE, FREEZEGUN + TIME_MACHINE], ids=["freezegun", "time-machine", "both"]
)
@pytest.mark.parametrize("kind", ["stdlib", "native", "plain"])
def test_records_have_the_moved_time(mover: str, kind: str, run_python: Any, records: Callable[..., Any]) -> None:
    begin = datetime.now(timezone.utc)
    run_python(START + mover, kind, USE_UNIFIED_LOGGING=str(kind != "plain").lower())
    seen = [record for record in records() if record["message"] != "before"]
    assert len(seen) == 3 * (mover.count("log(") + mover.count("target=log"))
    for record in seen:
        if record["message"] == "real":
            assert timedelta(0) <= datetime.fromisoformat(record["timestamp"]) - begin < timedelta(minutes=5), record
        else:
            assert record["timestamp"].startswith(record["message"]), record


def test_a_call_from_a_place_that_logged_just_before_has_the_moved_time(
    run_python: Any, records: Callable[..., Any]
) -> None:
    """One place logs all the time, so that the counter is always ahead; only the clock moves in between."""
    run_python(
        START
        + """
import time_machine
for year in range(1971, 2021):
    ours.info("now")
    ours.info("now")
    with time_machine.travel(datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc), tick=False):
        ours.info(f"{year}-01-01")
""".replace("import time_machine", "import datetime, time_machine"),
        "stdlib",
    )
    moved = [record for record in records() if record["message"] not in ("now", "before")]
    assert len(moved) == 50
    assert all(record["timestamp"].startswith(record["message"]) for record in moved)


def test_what_the_writer_measures_is_not_the_way_from_one_time_to_the_other(run_python: Any) -> None:
    done = run_python(
        START
        + """
import time_machine
with time_machine.travel(0, tick=False):
    ours.info("long ago")
    flush_logging()
    print(get_stats()["writer_lag_max_us"])
""",
        "stdlib",
    )
    assert int(done.stdout) < 60_000_000


@pytest.mark.parametrize("name", ["freezegun", "time_machine"])
def test_a_clock_that_raises_costs_no_record(name: str, run_python: Any, records: Callable[..., Any]) -> None:
    run_python(
        START
        + """
import sys, time, types
sys.modules[sys.argv[2]] = types.ModuleType(sys.argv[2])

def broken():
    raise OSError("no clock")

real, time.time_ns = time.time_ns, broken
ours.info("kept")
time.time_ns = lambda: "no number"
ours.info("kept")
time.time_ns = real
""",
        "stdlib",
        name,
    )
    kept = [record for record in records() if record["message"] == "kept"]
    now = datetime.now(timezone.utc)
    assert len(kept) == 2
    assert all(now - datetime.fromisoformat(record["timestamp"]) < timedelta(minutes=5) for record in kept)


def test_ctrl_c_inside_a_moved_clock_is_raised_after_the_record(run_python: Any, records: Callable[..., Any]) -> None:
    run_python(
        START
        + """
import time, types
sys.modules["freezegun"] = types.ModuleType("freezegun")

def interrupted():
    raise KeyboardInterrupt

real, time.time_ns = time.time_ns, interrupted
try:
    ours.info("kept")
    raise SystemExit("nothing was raised")
except KeyboardInterrupt:
    time.time_ns = real
""",
        "stdlib",
    )
    assert [record["message"] for record in records()][-1] == "kept"


def test_durations_and_deadlines_are_real(run_python: Callable[..., Any]) -> None:
    """Across the edges of a freeze. Seen to fail (durations of decades, and a level that never went back)."""
    run_python(
        """
import logging, time
import freezegun
from unified_logger import *
from unified_logger.testing import capture_logs

with capture_logs() as records:
    with freezegun.freeze_time("2030-01-01"):
        inside = span("begun inside")
        inside.__enter__()
        set_level("a", "DEBUG", seconds=0.2)
    inside.__exit__(None, None, None)
    outside = span("begun outside")
    outside.__enter__()
    set_level("b", "DEBUG", seconds=600)
    with freezegun.freeze_time("2030-01-01"):
        outside.__exit__(None, None, None)
        time.sleep(0.1)
    assert logging.getLogger("b").level == logging.DEBUG
durations = [record["duration_ms"] for record in records if record.message == "span ended"]
assert len(durations) == 2 and all(0 <= duration < 60_000 for duration in durations), durations
deadline = time.monotonic() + 30
while logging.getLogger("a").level == logging.DEBUG:
    assert time.monotonic() < deadline
    time.sleep(0.01)
"""
    )
