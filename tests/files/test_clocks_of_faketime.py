"""Under the clock of the real `faketime`, each record is in the file of its period, a period has one file, and no name is used twice.

The program runs over changes of the clock's offset, over days, steps back, restarts and idle nights.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from kinds import Run

FOUND = sorted(path for folder in ("/usr/lib", "/usr/local/lib") for path in Path(folder).glob("**/libfaketimeMT.so.1"))
pytestmark = pytest.mark.skipif(not FOUND, reason="libfaketime is not installed; the package is called faketime")

# Logs the label of each step at its time, which the library reads from the clock of faketime.
PROGRAM = """
import json, os, sys
from datetime import datetime, timezone
from unified_logger import flush_logging, get_logger, get_stats, init_logging
steps, options = json.loads(sys.argv[1]), json.loads(sys.argv[2])
def set_clock(time):
    with open("now.new", "w") as file:
        file.write(time)
    os.replace("now.new", "now")
set_clock(steps[0][0])
init_logging(log_dir="logs", console_format="off", keep="all", **options)
for time, label in steps:
    set_clock(time)
    assert datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S") == time, "the clock is not that of faketime"
    get_logger("shop").info(label)
    assert flush_logging(30)
print(get_stats()["files"]["app"]["rotations"])
"""
Step = tuple[datetime, str]


def run(run_python: Run, steps: list[Step], options: dict[str, object]) -> int:
    """Runs the program from start to end. Returns how often it has rotated app.log."""
    written = [(time.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S"), label) for time, label in steps]
    environment = {
        "LD_PRELOAD": str(FOUND[0]),
        "FAKETIME_TIMESTAMP_FILE": "now",
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
        "TZ": "UTC",
    }
    return int(run_python(PROGRAM, json.dumps(written), json.dumps(options), **environment).stdout)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def files(logs: Path) -> dict[str, set[str]]:
    """The labels of the records in each file."""
    found = {}
    for path in logs.glob("app*"):
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        found[path.name] = {line["message"] for line in lines if line["logger"] != "unified_logger"}
    return found


def check(logs: Path, expected: list[str], rotations: int) -> None:
    """Each period has one file, and each file the records of one period; the last is the current one."""
    found = files(logs)
    assert all(len(labels) == 1 for labels in found.values()), found
    by_label = Counter(label for labels in found.values() for label in labels)
    assert by_label == Counter(expected), found
    assert found["app.log"] == {expected[-1]}
    assert rotations == len(expected) - 1


DAYS = [
    # The clock goes from 03:00 back to 02:00: this day has 25 hours.
    *[
        ("2026-10-24 21:59:59", "2026-10-24"),
        ("2026-10-24 22:00:00", "2026-10-25"),
        ("2026-10-25 00:30:00", "2026-10-25"),
    ],
    *[
        ("2026-10-25 01:30:00", "2026-10-25"),
        ("2026-10-25 22:59:59", "2026-10-25"),
        ("2026-10-25 23:00:00", "2026-10-26"),
    ],
    # It is set back by an hour, over midnight, and forth again: these stand in the file that is there.
    *[
        ("2026-10-25 22:00:01", "2026-10-26"),
        ("2026-10-25 22:59:59", "2026-10-26"),
        ("2026-10-25 23:00:01", "2026-10-26"),
    ],
    # Idle nights.
    *[
        ("2026-10-29 05:00:00", "2026-10-29"),
        ("2026-10-29 22:59:59", "2026-10-29"),
        ("2026-10-30 05:00:00", "2026-10-30"),
    ],
    # The clock goes from 02:00 forth to 03:00: this day has 23 hours.
    *[
        ("2027-03-27 22:59:59", "2027-03-27"),
        ("2027-03-27 23:00:00", "2027-03-28"),
        ("2027-03-28 00:59:59", "2027-03-28"),
    ],
    *[
        ("2027-03-28 01:00:00", "2027-03-28"),
        ("2027-03-28 21:59:59", "2027-03-28"),
        ("2027-03-28 22:00:00", "2027-03-29"),
    ],
]
HOURS = [
    *[("2026-10-24 23:59:59", "2026-10-25T01"), ("2026-10-25 00:00:00", "2026-10-25T02 first")],
    *[("2026-10-25 00:59:59", "2026-10-25T02 first"), ("2026-10-25 01:00:00", "2026-10-25T02 second")],
    *[("2026-10-25 01:59:59", "2026-10-25T02 second"), ("2026-10-25 02:00:00", "2026-10-25T03")],
    # Back by half an hour, into an hour that has its file.
    *[("2026-10-25 01:30:00", "2026-10-25T03"), ("2026-10-25 02:00:01", "2026-10-25T03")],
    *[("2027-03-28 00:59:59", "2027-03-28T01"), ("2027-03-28 01:00:00", "2027-03-28T03")],
]


@pytest.mark.parametrize("restarts", [False, True], ids=["one run", "a restart before each record"])
@pytest.mark.parametrize("names", ["numbered", "dated"])
@pytest.mark.parametrize(("every", "steps"), [("daily", DAYS), ("hourly", HOURS)])
def test_each_record_is_in_the_file_of_its_period(
    run_python: Run, tmp_path: Path, every: str, steps: list[tuple[str, str]], names: str, restarts: bool
) -> None:
    """In Berlin, where clocks change."""
    options = {"rotate": {"every": every, "zone": "Europe/Berlin"}, "file_names": names}
    all_steps = [(utc(time), label) for time, label in steps]
    runs = [[step] for step in all_steps] if restarts else [all_steps]
    rotations = sum(run(run_python, each, options) for each in runs)
    expected = list(dict.fromkeys(label for _, label in steps))
    check(tmp_path / "logs", expected, rotations)
    rotated = {name: labels for name, labels in files(tmp_path / "logs").items() if name != "app.log"}
    if names == "dated":
        # A second file of the same date has a number.
        dates = {
            name.partition(".log")[0].removeprefix("app-"): labels
            for name, labels in rotated.items()
            if name.endswith(".log")
        }
        assert all(label.split()[0] == date for date, labels in dates.items() for label in labels)
        assert [name for name in rotated if not name.endswith(".log")] == (
            ["app-2026-10-25T02.log.1"] if every == "hourly" else []
        )
    else:
        order = sorted(rotated, key=lambda name: -int(name.rpartition(".")[2]))
        assert [label for name in order for label in rotated[name]] == expected[:-1]


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "UTC"]
)
def test_a_year_of_days_in_other_zones(run_python: Run, tmp_path: Path, zone: str) -> None:
    """Wherever its days begin: the first and the last second of a day every nine days."""
    steps = []
    for number in range(0, 366, 9):
        day = datetime(2026, 3, 1, tzinfo=ZoneInfo(zone)) + timedelta(days=number)
        last = (day + timedelta(days=1)).astimezone(timezone.utc) - timedelta(seconds=1)
        label = day.strftime("%Y-%m-%d")
        steps += [(day.astimezone(timezone.utc), label), (last, label)]
    rotations = run(run_python, steps, {"rotate": {"every": "daily", "zone": zone}, "file_names": "dated"})
    check(tmp_path / "logs", list(dict.fromkeys(label for _, label in steps)), rotations)
