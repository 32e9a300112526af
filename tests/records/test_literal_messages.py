"""Messages that stand in the code are kept with their call site: records show the message of their own call all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kinds import Records

from unified_logger import UnifiedLogger


def messages(records: Records) -> list[str]:
    """In the order of the file."""
    return [record["message"] for record in records()]


def test_one_place_may_choose_between_literals(logger: UnifiedLogger, records: Records) -> None:
    """The instruction is the same, the message is not.

    Seen to fail with the first literal kept whatever came after it.
    """
    for number in range(6):
        logger.info("even" if number % 2 == 0 else "odd", n=number)
    assert messages(records) == ["even", "odd"] * 3


def test_a_literal_and_texts_made_for_a_call(logger: UnifiedLogger, records: Records) -> None:
    """Equal texts and other texts from the place of a literal."""
    made = "".join(["lite", "ral"])
    for message in (None, made, None, "other", made):
        logger.info("literal" if message is None else message)
    for number in range(3):
        logger.info(f"call {number}")
    assert messages(records) == ["literal", "literal", "literal", "other", "literal", "call 0", "call 1", "call 2"]


def test_literals_of_every_kind(logger: UnifiedLogger, records: Records, log_dir: Path) -> None:
    """Quotes, half surrogates, what must not reach a terminal and nothing at all."""
    for _ in range(3):
        logger.info("")
        logger.info('"中文"\\ 😀')
        logger.info("half \ud800")
        logger.info("\x1b[2J\u202e")
    expected = ["", '"中文"\\ 😀', "half \\ud800", "\x1b[2J\u202e"]
    assert messages(records) == expected * 3
    assert "\u202e" not in (log_dir / "app.log").read_text(encoding="utf-8")


def test_other_fields_from_the_place_of_a_literal(logger: UnifiedLogger, records: Records) -> None:
    """A wrapper passes what it is given."""
    for fields in ({"a": 1}, {"a": 2}, {"b": 3}, {"a": 4, "b": 5}, {}, {"a": 6}):
        logger.info("wrapped", **fields)
    assert messages(records) == ["wrapped"] * 6
    assert [{key: record[key] for key in ("a", "b") if key in record} for record in records()] == [
        {"a": 1}, {"a": 2}, {"b": 3}, {"a": 4, "b": 5}, {}, {"a": 6},
    ]  # fmt: skip


def test_a_literal_survives_the_process(run_python: Callable[..., Any], log_dir: Path) -> None:
    """The black box knows it by its call site; a recovery writes it out."""
    code = """
import os, sys
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir=sys.argv[1], console_format="off")
logger = get_logger("app")
for number in range(100):
    logger.info("处理 literal", n=number)
os.kill(os.getpid(), 9)
"""
    run_python(code, str(log_dir), check=False)
    run_python(
        "import sys; from unified_logger.cli import main; main(['recover', sys.argv[1]])", str(log_dir), check=False
    )
    lines = [json.loads(line) for line in (log_dir / "app.log").read_text(encoding="utf-8").splitlines()]
    assert sorted(line["n"] for line in lines if line["message"] == "处理 literal") == list(range(100))
