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


def test_odd_records_are_shown(run: Run, tmp_path: Path) -> None:
    """Without a traceback, and nothing of them acts on a terminal."""
    base = {"timestamp": "2026-02-19T10:00:00+00:00", "level": "INFO", "logger": "a", "message": "m", "trace_id": TRACE}
    odd: list[dict[str, Any]] = [
        {"span_id": "a", "duration_ms": 10**400},
        {"span_id": "b", "duration_ms": -5, "outcome": "\x1b[2Jboo", "span": "\x1b]0;t\x07"},
        {"logger": "\x1b[31m", "timestamp": None},
        *({"span_id": f"s{number}", "parent_span_id": f"s{number - 1}"} for number in range(1500)),
    ]
    text = "".join(json.dumps({**base, **each}) + "\n" for each in odd)
    text += json.dumps(base | {"span_id": "n"})[:-1] + ', "duration_ms": NaN}\n'
    (tmp_path / "app.log").write_text(text)
    found = run("trace", TRACE, "app.log")
    assert (found.returncode, found.stderr) == (0, "")
    assert "\x1b" not in found.stdout
    assert "1970" not in found.stdout
    assert "0 µs" in found.stdout.splitlines()[0]
    assert run("trace", TRACE, "app.log", "--json").returncode == 0


def test_an_id_that_others_begin_with(run: Run, tmp_path: Path) -> None:
    """Is itself. One with signs in it is a text and no question."""
    base = {"timestamp": "2026-02-19T10:00:00+00:00", "level": "INFO", "logger": "a", "message": "m"}
    ids = ["req-1", "req-10", "x y or level>=debug"]
    (tmp_path / "app.log").write_text("".join(json.dumps({**base, "trace_id": each}) + "\n" for each in ids))
    assert run("trace", "req-1", "app.log").stdout.startswith("trace req-1  1 record")
    assert run("trace", "x", "app.log").stdout.startswith("trace x y or level>=debug  1 record")
