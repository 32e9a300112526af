"""Files: which records go where, how files are made, and what happens when others touch them."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from kinds import Records, Start

from unified_logger import ConfigurationError, flush_logging, get_logger


def test_errors_are_in_errors_log_exactly_as_in_app_log(start: Start, records: Records) -> None:
    """ERROR and above."""
    start()
    logger = get_logger("app")
    logger.info("order received", order_id=7)
    logger.error("payment failed", order_id=7)
    logger.critical("out of money")
    assert records("errors.log") == records("app.log")[1:]


@pytest.mark.parametrize(
    ("name", "is_ai"),
    [("app.ai", True), ("llm", True), ("x.genai.y", True), ("email", False), ("app.aim", False), ("app", False)],
)
def test_ai_records_are_known_by_a_whole_segment(start: Start, records: Records, name: str, is_ai: bool) -> None:
    """And stay in app.log too."""
    start()
    get_logger(name).info("m")
    assert len(records("ai_responses.log")) == is_ai
    assert len(records("app.log")) == 1


def test_ai_records_are_known_by_a_field(start: Start, records: Records) -> None:
    """In the namespace `gen_ai.`, given by name, by mapping or by the context."""
    from unified_logger import LoggingContext

    start()
    logger = get_logger("app")
    logger.info("by mapping", **{"gen_ai.usage.input_tokens": 3})
    logger.info("by extra", extra={"gen_ai.request.model": "m"})
    with LoggingContext(**{"gen_ai.conversation.id": "c"}):
        logger.info("by context")
    logger.info("not", generation=1)
    assert [record["message"] for record in records("ai_responses.log")] == ["by mapping", "by extra", "by context"]


def test_ai_method_names_its_fields(start: Start, records: Records) -> None:
    """INFO, or ERROR with an error; only what was given."""
    start()
    logger = get_logger("app")
    logger.ai(
        "answered",
        model="m-1",
        prompt="你好",
        response="您好",
        latency_ms=12.5,
        prompt_tokens=2,
        completion_tokens=3,
        user=1,
    )
    logger.ai("failed", model="m-1", error=TimeoutError("slow"))
    answered, failed = records("ai_responses.log")
    fields = {key: value for key, value in answered.items() if key.startswith("gen_ai.") or key == "user"}
    assert fields == {
        "gen_ai.request.model": "m-1",
        "gen_ai.prompt": "你好",
        "gen_ai.completion": "您好",
        "gen_ai.latency_ms": 12.5,
        "gen_ai.usage.input_tokens": 2,
        "gen_ai.usage.output_tokens": 3,
        "user": 1,
    }
    assert (answered["level"], answered["function"]) == ("INFO", "test_ai_method_names_its_fields")
    assert (failed["level"], failed["gen_ai.error"], failed["exception"]["type"]) == (
        "ERROR",
        "TimeoutError: slow",
        "TimeoutError",
    )
    assert records("errors.log") == [failed]


def test_the_origins_rule_and_named_loggers(start: Start, records: Records) -> None:
    """By option."""
    start(legacy_substring=True, ai_loggers=["bot"])
    for name in ("email", "app.bot", "bot.x", "bots"):
        get_logger(name).info(name)
    assert [record["message"] for record in records("ai_responses.log")] == ["email", "app.bot", "bot.x"]


def test_without_the_ai_handler_there_is_no_file(start: Start, records: Records, log_dir: Path) -> None:
    """`enable_ai_handler=False`."""
    start(enable_ai_handler=False)
    get_logger("app.ai").info("m")
    assert len(records()) == 1
    assert not (log_dir / "ai_responses.log").exists()


def test_file_level_narrows_app_log_only(start: Start, records: Records) -> None:
    """errors.log and the AI file have rules of their own."""
    start(log_level="DEBUG", file_level="WARNING")
    logger = get_logger("app.ai")
    logger.info("info")
    logger.warning("warning")
    assert [record["message"] for record in records()] == ["warning"]
    assert [record["message"] for record in records("ai_responses.log")] == ["info", "warning"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o027, 0o077])
def test_the_umask_narrows_modes(start: Start, log_dir: Path, umask: int) -> None:
    """Files 0640 and a new directory 0750 at most, and what the umask takes from others is taken from them."""
    before = os.umask(umask)
    try:
        start(max_bytes=100, backup_count=3)
        for _ in range(5):
            get_logger("app").error("m")
        assert flush_logging(10)
    finally:
        os.umask(before)
    for path in log_dir.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o640 & ~umask), path.name
    assert stat.S_IMODE(log_dir.stat().st_mode) == 0o750 & ~umask


def test_modes_can_be_set(start: Start, log_dir: Path) -> None:
    """As texts in octal or as numbers."""
    start(file_mode="600", dir_mode=0o700)
    assert stat.S_IMODE((log_dir / "app.log").stat().st_mode) == 0o600
    assert stat.S_IMODE(log_dir.stat().st_mode) == 0o700


def test_rotation_keeps_its_bounds_for_each_file(start: Start, log_dir: Path) -> None:
    """Sizes and counts are each file's own; the newest are kept."""
    start(max_bytes=2_000, backup_count=2, ai_max_bytes=1_000, ai_backup_count=4, console_format="off")
    logger = get_logger("app.ai")
    for number in range(100):
        logger.info("m", number=number)
    assert flush_logging(10)
    for name, bound, count in (("app.log", 2_000, 2), ("ai_responses.log", 1_000, 4)):
        paths = sorted(log_dir.glob(f"{name}*"))
        assert len(paths) == count + 1
        assert max(path.stat().st_size for path in paths) <= bound
        newest = json.loads((log_dir / name).read_text().splitlines()[-1])
        assert newest["number"] == 99


def test_a_renamed_file_is_reopened(start: Start, log_dir: Path) -> None:
    """The way logrotate moves files away."""
    start(console_format="off")
    logger = get_logger("app")
    logger.info("one")
    assert flush_logging(10)
    (log_dir / "app.log").rename(log_dir / "moved.log")
    logger.info("two")
    assert flush_logging(10)
    assert "two" in (log_dir / "app.log").read_text()
    assert "two" not in (log_dir / "moved.log").read_text()


def test_a_truncated_file_goes_on(start: Start, log_dir: Path) -> None:
    """The way copytruncate does."""
    start(console_format="off")
    logger = get_logger("app")
    logger.info("one")
    assert flush_logging(10)
    os.truncate(log_dir / "app.log", 0)
    logger.info("two")
    assert flush_logging(10)
    assert [json.loads(line)["message"] for line in (log_dir / "app.log").read_text().splitlines()] == ["two"]


def test_a_torn_line_of_a_dead_process_is_closed(start: Start, log_dir: Path) -> None:
    """What follows stands on lines of its own."""
    log_dir.mkdir()
    (log_dir / "app.log").write_text('{"message":"to')
    start(console_format="off")
    get_logger("app").info("next")
    assert flush_logging(10)
    torn, following = (log_dir / "app.log").read_text().splitlines()
    assert torn == '{"message":"to'
    assert json.loads(following)["message"] == "next"


def test_a_link_is_refused_in_a_directory_that_others_may_write(start: Start, log_dir: Path, tmp_path: Path) -> None:
    """It may be a trap; in one's own directory it is fine."""
    log_dir.mkdir()
    target = tmp_path / "target"
    (log_dir / "app.log").symlink_to(target)
    log_dir.chmod(0o777)
    with pytest.raises(ConfigurationError, match="symbolic link"):
        start()
    assert not target.exists()
    log_dir.chmod(0o755)
    start()


def test_names_of_loggers_never_become_paths(start: Start, records: Records, log_dir: Path) -> None:
    """Whatever they are."""
    start()
    for name in ("../../etc/passwd", "a/b", "x\ny", "\x00"):
        get_logger(name).error("m")
    assert [record["logger"] for record in records()] == ["../../etc/passwd", "a/b", "x\ny", "\x00"]
    assert {path.name for path in log_dir.iterdir() if not path.name.startswith(".")} == {
        "app.log",
        "errors.log",
        "ai_responses.log",
    }
