"""Rules that are asked for a mapping's values, which may come back to the same rules."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from unified_logger.config import redaction
from unified_logger.stdlib.formatters import JSONFormatter


def test_a_mapping_that_uses_the_rules_that_ask_it() -> None:
    """By a formatter that has them, and directly. Seen to raise, and to panic, with rules that were borrowed meanwhile."""
    rules = redaction.settle([("", True)], None)
    assert rules is not None
    formatter = JSONFormatter(redaction=rules)
    answers: list[Any] = []

    class Odd(Mapping[str, object]):
        def __getitem__(self, name: str) -> object:
            record = logging.LogRecord("app", 20, "a.py", 1, "password=%(password)s", ({"password": "hunter1"},), None)
            line = formatter.format(record)
            answers.append([json.loads(line)["message"], rules.text("password=hunter2"), rules.named("m", {})])
            return "hunter3"

        def __iter__(self) -> Iterator[str]:
            return iter(["password"])

        def __len__(self) -> int:
            return 1

    assert rules.named("password=%(password)s", Odd()) == "password=[REDACTED]"
    assert answers == [["password=[REDACTED]", "password=[REDACTED]", None]]
