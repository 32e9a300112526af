"""`unified-logger trace`: one request as a tree."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

from unified_logger import LoggingContext, get_logger, shutdown_logging, span

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def logged(start: Any, log_dir: Path) -> Path:
    """A request with steps inside of steps, one of which fails."""
    start(console_format="off")
    with LoggingContext(trace_id=TRACE):
        with span("GET /buy", logger="shop.web"):
            get_logger("shop.web").info("order taken")
            with span("db", logger="shop.db"):
                get_logger("shop.db").warning("slow 订单")
            try:
                with span("pay", logger="shop.pay"):
                    raise RuntimeError("refused")
            except RuntimeError:
                get_logger("shop.web").exception("payment failed")
    with LoggingContext(trace_id="4bf9" + "0" * 28):
        get_logger("shop.web").info("another")
    shutdown_logging()
    return log_dir


def test_spans_are_a_tree(run: Run, logged: Path) -> None:
    """Each record in its span, each once though errors are in two files, and spans inside of each other."""
    found = run("trace", TRACE, str(logged), "--json")
    assert (found.returncode, found.stderr) == (0, "")
    tree = json.loads(found.stdout)
    assert (tree["trace_id"], tree["errors"]) == (TRACE, 1)
    [request] = [item for item in tree["items"] if "name" in item]
    assert (request["name"], request["outcome"], request["errors"]) == ("GET /buy", "ok", 1)
    inside = [item["name"] if "name" in item else item["record"]["message"] for item in request["items"]]
    assert inside == ["span started", "order taken", "db", "pay", "payment failed", "span ended"]
    [pay] = [item for item in request["items"] if item.get("name") == "pay"]
    assert (pay["outcome"], pay["parent_span_id"]) == ("error", request["span_id"])


def test_the_tree_is_drawn(run: Run, logged: Path) -> None:
    """With durations, and without the records that only begin and end spans."""
    lines = run("trace", TRACE, str(logged)).stdout.splitlines()
    assert lines[0].startswith(f"trace {TRACE}  9 records  ")
    assert lines[0].endswith("1 error")
    assert not any("span started" in line for line in lines)
    spans = [match[0] for line in lines[1:] if (match := re.search(r" *[├└]─ .*?(?=  )", line[12:]))]
    assert spans == ["└─ GET /buy", "   ├─ db", "   ├─ pay"]
    assert any(line.endswith("ERROR    shop.web  payment failed  RuntimeError: refused") for line in lines)


def test_the_beginning_of_an_id_is_enough_if_it_is_one(run: Run, logged: Path) -> None:
    """Otherwise all of them are named."""
    assert run("trace", "4bf92", str(logged)).stdout.startswith(f"trace {TRACE}")
    several = run("trace", "4bf9", str(logged))
    assert several.returncode == 1
    assert "2 traces begin with 4bf9" in several.stderr


@pytest.mark.parametrize(("given", "status"), [("0" * 32, 1), ("abcdef", 1), ("a b", 2), ("x' or 1", 2)])
def test_what_is_not_there(run: Run, logged: Path, given: str, status: int) -> None:
    assert run("trace", given, str(logged)).returncode == status


def test_spans_that_are_inside_of_each_other_end(run: Run, tmp_path: Path) -> None:
    """Whatever records say of their parents."""
    line = {"timestamp": "2026-02-19T10:00:00+00:00", "level": "INFO", "logger": "a", "message": "m", "trace_id": TRACE}
    spans = [
        {"span_id": "a", "parent_span_id": "b"},
        {"span_id": "b", "parent_span_id": "a"},
        {"span_id": "c", "parent_span_id": "c"},
    ]
    (tmp_path / "app.log").write_text("".join(json.dumps({**line, **each}) + "\n" for each in spans))
    tree = json.loads(run("trace", TRACE, "app.log", "--json").stdout)
    assert len(tree["items"]) == 3
