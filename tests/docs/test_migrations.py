"""The programs of the pages on changing over log the same before and after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kinds import Run
from page_blocks import blocks

PAGES = sorted((Path(__file__).resolve().parents[2] / "docs" / "migrate").glob("*.md"))


def seen(record: dict[str, Any]) -> tuple[Any, ...]:
    """What both have of a record, whatever they call it."""
    inner = record.get("record", record)  # loguru's form
    message = inner["message"]
    level = (
        inner["level"]["name"] if isinstance(inner.get("level"), dict) else inner.get("level", inner.get("levelname"))
    )
    fields = inner.get("extra", inner)
    error = inner.get("exception", inner.get("exc_info"))
    return message, str(level).upper(), fields.get("order_id"), error is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_program_logs_the_same_as_before(page: Path, run_python: Run, tmp_path: Path) -> None:
    """Messages, levels, fields and exceptions. Seen to fail with a field left out of one of them."""
    (_, before), (_, after), *_ = blocks(page, "python")
    run_python(before)
    run_python(after)
    of_before = [json.loads(line) for line in (tmp_path / "before.log").read_text("utf-8").splitlines()]
    of_after = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text("utf-8").splitlines()]
    assert [seen(record) for record in of_after] == [seen(record) for record in of_before]
    assert len(of_after) == 4
