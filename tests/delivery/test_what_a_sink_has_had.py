"""A sink is called once for each record, which counts as the function returns; an end says what a sink has not had."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from kinds import Run, Start

from unified_logger import add_sink, flush_logging, get_logger, get_stats


@pytest.mark.parametrize("given", ["text", "{level} {message}{exception}"])
def test_lines_of_one_record_stay_together(start: Start, given: str) -> None:
    """Whatever text the format makes of it.

    Seen to fail (one call for each line on the screen) where lines were told apart by their newlines.
    """
    got: list[str] = []
    start()
    with add_sink(got.append, form="line", format=given, name="texts"):
        get_logger("shop").info("one\ntwo")
        try:
            raise LookupError("no topic")
        except LookupError:
            get_logger("shop").exception("boom")
        assert flush_logging(10)
    assert len(got) == 2, got
    assert "one" in got[0]
    assert "two" in got[0]
    assert "boom" in got[1]
    assert got[1].splitlines()[-1].endswith("LookupError: no topic")


def test_a_record_counts_when_the_function_has_returned(start: Start) -> None:
    """Not when all that came with it is done.

    Seen to fail (`written: 0` while the function waits in its fourth call) with counts of whole batches.
    """
    gate, waits = threading.Event(), threading.Event()
    got: list[int] = []

    def slow(record: dict[str, Any]) -> None:
        if len(got) == 3:
            waits.set()
            gate.wait(30)
        got.append(record["number"])

    start()
    before = get_stats()["sinks"].get("slow", {}).get("written", 0)
    with add_sink(slow):
        for number in range(10):
            get_logger("shop").info("m", number=number)
        assert waits.wait(30)
        assert get_stats()["sinks"]["slow"]["written"] - before == 3
        gate.set()
        assert flush_logging(10)
        assert get_stats()["sinks"]["slow"]["written"] - before == len(got) == 10


@pytest.mark.parametrize("end", ["", "shutdown_logging(timeout=10)"], ids=["exit", "shutdown"])
def test_an_end_says_how_many_records_a_sink_has_not_had(run_python: Run, end: str) -> None:
    """In one line, once.

    Seen to fail with an end that says nothing.
    """
    done = run_python(
        f"""
import threading
from unified_logger import add_sink, get_logger, init_logging, shutdown_logging
init_logging(log_dir="logs", console_format="off")
gate = threading.Event()
def slow(record): record["number"] < 3 or gate.wait()
add_sink(slow)
add_sink(lambda record: None, name="quick")
for number in range(10): get_logger("a").info("m", number=number)
{end}
"""
    )
    told = re.findall(r"unified_logger: .*", done.stderr)
    assert told == ["unified_logger: cannot give all records to sinks before the end: slow has not had 7"]
