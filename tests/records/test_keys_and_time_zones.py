"""Keys of lines are renamed, left out and put first, and stamps have the zone that is asked for, for each output by itself."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from kinds import Records, Run, Start

from unified_logger import LoggingContext, flush_logging, get_logger

KEYS = {
    "rename": {"level": "severity", "order_id": "order", "service": "app"},
    "omit": ["thread", "process", "internal", "module", "function", "line"],
    "first": ["message", "level"],
}


def test_lines_have_the_keys_that_are_wanted(start: Start, log_dir: Path) -> None:
    """Fields of calls, of contexts and of the process too; others stay in their order."""
    start(console_format="off", fields={"service": "orders"}, keys=KEYS)
    with LoggingContext(trace_id="t", span_id="s", internal=1, tenant="acme"):
        get_logger("app").info("paid", order_id=7, internal=2)
    assert flush_logging(30.0)
    [line] = (log_dir / "app.log").read_text("utf-8").splitlines()
    assert [*json.loads(line).items()][:2] == [("message", "paid"), ("severity", "INFO")]
    assert [*json.loads(line)] == [
        "message",
        "severity",
        "timestamp",
        "logger",
        "app",
        "trace_id",
        "span_id",
        "tenant",
        "order",
    ]


def test_two_fields_that_would_become_one_are_both_kept(start: Start, records: Records) -> None:
    """The second moves aside, as one with the name of a key does."""
    start(console_format="off", keys={"rename": {"order_id": "order"}})
    get_logger("app").info("paid", order_id=7, order=8)
    [record] = records()
    assert (record["order"], record["fields.order"]) == (7, 8)


def test_each_output_has_its_own_keys(start: Start, log_dir: Path, records: Records) -> None:
    """One without any has those of the record."""
    outputs = {"app": {"keys": KEYS}, "errors": {"preset": "ecs", "keys": {"rename": {"log.level": "level"}}}}
    start(console_format="off", outputs=outputs)
    get_logger("app.ai").error("failed", order_id=7)
    assert (records()[0]["severity"], records()[0]["order"]) == ("ERROR", 7)
    assert (records("errors.log")[0]["level"], records("errors.log")[0]["order_id"]) == ("error", 7)
    assert [*records("ai_responses.log")[0]][:2] == ["timestamp", "level"]


def test_stamps_have_the_zone_that_is_asked_for(start: Start, log_dir: Path, records: Records) -> None:
    """With its offset, for each output; the moment is the same."""
    outputs = {"errors": {"time_zone": "Asia/Kolkata"}, "ai": {"preset": "gcp", "time_zone": "America/New_York"}}
    start(console_format="off", outputs=outputs)
    get_logger("app.ai").error("failed")
    stamps = [records()[0]["timestamp"], records("errors.log")[0]["timestamp"], records("ai_responses.log")[0]["time"]]
    assert [stamp[-6:] for stamp in stamps][:2] == ["+00:00", "+05:30"]
    assert len({datetime.fromisoformat(stamp) for stamp in stamps}) == 1
    assert datetime.fromisoformat(stamps[2]).utcoffset() == datetime.now(ZoneInfo("America/New_York")).utcoffset()


@pytest.mark.parametrize(
    ("moment", "stamp"),
    [
        ("2026-03-29T00:59:59.999999+00:00", "2026-03-29T01:59:59.999999+01:00"),
        ("2026-03-29T01:00:00+00:00", "2026-03-29T03:00:00.000000+02:00"),
        ("2026-10-25T00:59:59+00:00", "2026-10-25T02:59:59.000000+02:00"),
        ("2026-10-25T01:00:00+00:00", "2026-10-25T02:00:00.000000+01:00"),
    ],
)
def test_the_offset_is_right_where_summer_time_begins_and_ends(
    start: Start, records: Records, moment: str, stamp: str
) -> None:
    """The hour that comes twice is told apart by it."""
    from unified_logger.testing import stopped_clock

    start(console_format="off", time_zone="Europe/Berlin")
    with stopped_clock(datetime.fromisoformat(moment)):
        get_logger("app").info("m")
    assert records()[0]["timestamp"] == stamp


def test_local_is_the_zone_of_the_process(run_python: Run, tmp_path: Path) -> None:
    """As TZ says."""
    code = """
from unified_logger import get_logger, init_logging, shutdown_logging
init_logging(log_dir="logs", console_format="off", time_zone="local")
get_logger("app").info("m")
shutdown_logging()
"""
    run_python(code, TZ="Asia/Shanghai")
    assert '+08:00","level"' in (tmp_path / "logs" / "app.log").read_text("utf-8")
