"""Rules are asked in order, each of the calls that it is for; a dry run marks; what chance keeps says what it stands for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kinds import Run

PROGRAM = """
import json, sys
from unified_logger import LoggingContext, get_logger, get_stats, init_logging, shutdown_logging
given = json.loads(sys.argv[1])
init_logging(log_dir="logs", console_format="off", max_bytes=0, sampling=given)
{calls}
shutdown_logging()
print(json.dumps(get_stats()["sampling"]))
"""


def run(run_python: Run, tmp_path: Path, sampling: dict[str, Any], calls: str) -> tuple[list[dict[str, Any]], Any]:
    done = run_python(PROGRAM.replace("{calls}", calls), json.dumps(sampling))
    text = (tmp_path / "logs" / "app.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()], json.loads(done.stdout)


def test_fields_of_call_logger_and_context_are_asked(run_python: Run, tmp_path: Path) -> None:
    """Each call is refused but for the first of its kind."""
    sampling = {"rules": [{"name": "health", "where": {"route": ["/health", "/ready"]}, "key": "rule", "keep": "none"}]}
    calls = """
logger = get_logger("app")
for _ in range(3):
    logger.info("call", route="/health")
    logger.bind(route="/ready").info("bound")
    with LoggingContext(route="/health"):
        logger.info("context")
    logger.info("extra", extra={"route": "/health"})
    logger.info("other", route="/buy")
"""
    records, counts = run(run_python, tmp_path, sampling, calls)
    assert [record["message"] for record in records if record["logger"] == "app"] == ["call"] + ["other"] * 3
    assert counts == {"health": {"kept": 1, "left_out": 11}}


def test_a_path_is_that_of_the_record(run_python: Run, tmp_path: Path) -> None:
    """With `*` at its end it stands for all that begin so."""
    sampling = {"rules": [{"path": ["/health*"], "key": "rule", "keep": "none"}]}
    calls = """
for path in ("/health", "/healthz", "/health", "/shop"):
    get_logger("app").info("request", path=path)
"""
    records, _ = run(run_python, tmp_path, sampling, calls)
    assert [record["path"] for record in records if record["logger"] == "app"] == ["/health", "/shop"]


def test_a_dry_run_marks_and_counts(run_python: Run, tmp_path: Path) -> None:
    """Nothing is left out, and nothing is told of others."""
    sampling = {"dry_run": True, "rules": [{"name": "often", "level": "info", "first": 1, "interval": "1h"}]}
    calls = """
for _ in range(4):
    get_logger("app").info("m")
    get_logger("app").warning("m")
"""
    records, counts = run(run_python, tmp_path, sampling, calls)
    assert [record.get("left_out_by") for record in records] == [
        None,
        None,
        "often",
        None,
        "often",
        None,
        "often",
        None,
    ]
    assert counts == {"often": {"kept": 1, "left_out": 3}}
    assert not any("suppressed" in record for record in records)


def test_chance_says_what_a_record_stands_for(run_python: Run, tmp_path: Path) -> None:
    """Ten thousand calls at a quarter: the estimate is within five standard deviations, which chance leaves once in a million times."""
    sampling = {"rules": [{"name": "quarter", "rate": 0.25}]}
    calls = """
logger = get_logger("app")
for number in range(10_000):
    logger.info("m", number=number)
"""
    records, counts = run(run_python, tmp_path, sampling, calls)
    assert {record.get("sample_rate") for record in records} == {None, 4}
    assert abs(sum(record.get("sample_rate", 1) for record in records) - 10_000) < 5 * (10_000 * 0.75 / 0.25) ** 0.5
    assert counts["quarter"]["kept"] == len(records)
    assert counts["quarter"]["left_out"] == 10_000 - len(records)


def test_the_block_of_the_older_layout_works(run_python: Run, tmp_path: Path) -> None:
    """Below the level a part is kept; some paths all, and some none but the first of each kind."""
    sampling = {
        "enabled": True,
        "sample_rate": 0.0,
        "level_threshold": "WARNING",
        "always_sample_paths": ["/pay"],
        "never_sample_paths": ["/health"],
    }
    calls = """
logger = get_logger("app")
for _ in range(5):
    logger.info("pay", path="/pay/now")
    logger.info("health", path="/health")
    logger.info("other")
    logger.warning("bad", path="/health")
"""
    records, _ = run(run_python, tmp_path, sampling, calls)
    messages = [record["message"] for record in records if record["logger"] == "app"]
    assert {message: messages.count(message) for message in messages} == {"pay": 5, "health": 1, "other": 1, "bad": 5}


def test_processors_and_handlers_of_others_get_on_with_it(run_python: Run, tmp_path: Path) -> None:
    """Handlers of others see every call. Processors see those that are kept, and their records tell of the others."""
    calls = """
import logging
from unified_logger import shutdown_logging as end
seen = []
class Handler(logging.Handler):
    def emit(self, record):
        seen.append(record.getMessage())
logging.getLogger("watched").addHandler(Handler())
for number in range(25):
    get_logger("watched").info("m %d", number)
    logging.getLogger("watched").info("n %d", number)
assert len(seen) == 50, len(seen)
"""
    sampling = {"rules": [{"first": 1, "then_every": 10, "interval": "1h"}]}
    records, _ = run(run_python, tmp_path, sampling, calls)
    own = [record for record in records if record["logger"] == "watched"]
    assert len(own) == 2 * 3
    assert len(own) + sum(record.get("suppressed", 0) for record in records) == 50
