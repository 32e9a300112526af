"""The lines on the page of shapes are those that its code writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "shapes.md"
FILES = {
    "@timestamp": "app.log",
    "logging.googleapis.com/trace": "gcp.log",
    "ddsource": "datadog.log",
    "Body": "otel.log",
    "severity": "app.log",
}
# What differs from run to run.
VOLATILE = {
    *(
        "@timestamp",
        "timestamp",
        "time",
        "Timestamp",
        "process",
        "process.pid",
        "line",
        "log.origin.file.line",
        "module",
    ),
    *("code.line.number", "span.id", "SpanId", "dd.span_id", "logging.googleapis.com/spanId", "file", "code.file.path"),
    *("log.origin.file.name", "stack", "stack_trace", "error.stack_trace", "exception.stacktrace"),
    *("fingerprint", "error.fingerprint", "error_fingerprint", "exception.fingerprint"),
}


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language on the page."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def steady(value: Any) -> Any:
    """What of a line is the same in every run, in its order."""
    if not isinstance(value, dict):
        return value
    return [(key, None if key in VOLATILE else steady(below)) for key, below in value.items()]


@pytest.fixture
def written(run_python: Callable[..., Any], tmp_path: Path) -> dict[str, list[dict[str, Any]]]:
    """The lines of each file that the code of the page writes."""
    run_python("\n".join(blocks("python")))
    return {
        name: [json.loads(line) for line in (tmp_path / "logs" / name).read_text("utf-8").splitlines()]
        for name in {*FILES.values()}
    }


def test_each_line_on_the_page_is_written(written: dict[str, list[dict[str, Any]]]) -> None:
    """With its keys, their order and the values that stay. One for each preset, and one for keys."""
    shown = [json.loads(text) for text in blocks("json")]
    assert len(shown) == 5
    for line in shown:
        file = next(file for key, file in FILES.items() if key in line)
        assert steady(line) in [steady(each) for each in written[file]], json.dumps(line)
