"""What waits is bounded, in a trace and in the process. Whole traces go first, and what had to go is counted and told."""

from __future__ import annotations

from contextlib import ExitStack

from kinds import Record, Records, Start

from unified_logger import LoggingContext, get_logger, get_stats


def notices(records: list[Record]) -> list[Record]:
    return [record for record in records if record["logger"] == "unified_logger"]


def test_the_oldest_records_of_a_long_trace_go(start: Start, records: Records) -> None:
    start(recorder={"trace_bytes": "16KiB"}, log_level="INFO")
    logger = get_logger("app")
    before, others = get_stats()["recorded_lost"], get_stats()["recorder_bytes"]
    with LoggingContext(trace_id="long"):
        for number in range(1_000):
            logger.debug("step", number=number)
        assert get_stats()["recorder_bytes"] - others <= 16 << 10
        logger.error("failed")
    found = records()
    numbers = [record["number"] for record in found if record["message"] == "step"]
    assert numbers == list(range(1_000 - len(numbers), 1_000))
    assert 20 < len(numbers) < 100
    lost = 1_000 - len(numbers)
    (notice,) = notices(found)
    assert (notice["reason"], notice["records"], notice["missing"]) == ("trigger", len(numbers), lost)
    assert get_stats()["recorded_lost"] - before == lost
    assert get_stats()["recorder_bytes"] == others


def test_whole_traces_go_first(start: Start, records: Records) -> None:
    """The oldest ones. The one that is under way stays whole."""
    start(recorder={"trace_bytes": "16KiB", "bytes": "64KiB"}, log_level="INFO")
    logger = get_logger("app")
    with ExitStack() as stack:
        contexts = [LoggingContext(trace_id=f"trace-{number}") for number in range(20)]
        for number, context in enumerate(contexts):
            stack.enter_context(context)
            for step in range(20):
                logger.debug("step", number=number, step=step)
            assert get_stats()["recorder_bytes"] <= 64 << 10
        logger.error("failed")
        stack.pop_all()
        for context in reversed(contexts):
            logger.error("failed")
            context.__exit__(None, None, None)
    found = [record for record in records() if record["message"] == "step"]
    steps: dict[int, list[int]] = {}
    for record in found:
        steps.setdefault(record["number"], []).append(record["step"])
    assert 5 < len(steps) < 15
    assert min(steps) > 5
    assert all(numbers == list(range(20)) for numbers in steps.values()), "a trace is whole or not there"
    assert sum(notice.get("missing", 0) for notice in notices(records())) == 20 * (20 - len(steps))


def test_a_record_that_is_larger_than_all_bounds_is_counted(start: Start, records: Records) -> None:
    start(recorder={"trace_bytes": "8KiB", "bytes": "16KiB"}, log_level="INFO")
    logger = get_logger("app")
    with LoggingContext():
        logger.debug("small")
        logger.debug("large", text="x" * 100_000)
        logger.error("failed")
    found = records()
    (notice,) = notices(found)
    assert notice["missing"] >= 1
    assert "large" not in [record["message"] for record in found]


def test_many_traces_leave_nothing_behind(start: Start) -> None:
    """Ended ones, and those that nobody ends."""
    start(recorder=True, log_level="INFO")
    logger = get_logger("app")
    others = get_stats()["recorder_bytes"]
    for number in range(20_000):
        context = LoggingContext(trace_id=f"trace-{number}")
        context.__enter__()
        logger.debug("waits")
        if number % 2 == 0:
            context.__exit__(None, None, None)
        else:
            logger.clear_trace_context()
            context.__exit__(None, None, None)
    assert get_stats()["recorder_bytes"] == others
