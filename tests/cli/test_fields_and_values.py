"""`unified-logger fields` and `values`: what is in the records, for people who do not know yet what to ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

LINES: list[dict[str, Any]] = [
    {"timestamp": "2026-02-19T10:00:00.000000+00:00", "level": "INFO", "message": "a", "status": 200, "user": {"id": 7, "tags": ["x"]}},
    {"timestamp": "2026-02-19T10:01:00.000000+00:00", "level": "INFO", "message": "b", "status": "200", "user": None},
    {"timestamp": "2026-02-19T10:02:00.000000+00:00", "level": "ERROR", "message": "c", "status": 500, "订单": True, "a b": 1.5},
]  # fmt: skip


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "logs" / "app.log"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in LINES), encoding="utf-8")
    return path


def told(text: str) -> list[dict[str, Any]]:
    """The objects of an answer."""
    return [json.loads(line) for line in text.splitlines()]


def test_fields_have_counts_types_and_an_example(run: Run, log: Path) -> None:
    """Those inside of objects, too. Seen to fail where a null counted as a text."""
    found = {each.pop("field"): each for each in told(run("fields", "--json").stdout)}
    assert list(found)[:4] == ["level", "message", "status", "timestamp"]
    assert found["status"] == {"records": 3, "types": ["text", "number"], "example": 200}
    assert found["user"] == {"records": 2, "types": ["object", "null"], "example": {"id": 7, "tags": ["x"]}}
    assert found["user.id"] == {"records": 1, "types": ["number"], "example": 7}
    assert found["user.tags"]["types"] == ["list"]
    assert (found["订单"]["types"], found["a b"]["example"]) == (["truth"], 1.5)
    shown = run("fields").stdout.splitlines()
    assert shown[0].split() == ["field", "records", "types", "example"]
    assert len(shown) == len(found) + 1


def test_fields_are_those_of_the_records_that_are_wanted(run: Run, log: Path) -> None:
    """By the options of `query`, and by a filter."""
    for options in (["-l", "error"], ["-q", "status=500"], ["-S", "2026-02-19T10:02:00Z"]):
        names = [each["field"] for each in told(run("fields", "--json", *options).stdout)]
        assert names == ["a b", "level", "message", "status", "timestamp", "订单"]
    nothing = run("fields", "-l", "critical")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    log.write_text('level=INFO message="x y" order_id=7\n' * 2)
    assert told(run("fields", "--json").stdout)[2] == {
        "field": "order_id", "records": 2, "types": ["number"], "example": 7,
    }  # fmt: skip


def test_a_field_counts_once_a_record_and_there_is_an_end_of_fields(run: Run, log: Path) -> None:
    """Whatever a line holds. Seen to fail with a count of keys, and without a bound."""
    log.write_text('{"a":1,"a":2,"level":"INFO"}\n' + "".join(f'{{"level":"INFO","k{n}":1}}\n' for n in range(11_000)))
    done = run("fields", "--json")
    found = told(done.stdout)
    assert len(found) == 10_000
    assert {"field": "a", "records": 1, "types": ["number"], "example": 1} in found
    assert "there are more fields than these" in done.stderr
    deep = '{"a":' * 3_000 + "1" + "}" * 3_000
    log.write_text(deep + "\n" + '{"level":"INFO","x":"' + "y" * 100_000 + '"}\n')
    found = told(run("fields", "--json").stdout)
    assert max(len(each["field"]) for each in found) < 300
    assert max(len(json.dumps(each["example"])) for each in found) < 220


def test_values_have_counts_and_shares(run: Run, log: Path) -> None:
    """A text is another value than the number it looks like."""
    assert told(run("values", "status", "--json").stdout) == [
        {"value": value, "records": 1, "share": 1 / 3} for value in (200, 500, "200")
    ]
    assert told(run("values", "level", "--json").stdout)[0] == {"value": "INFO", "records": 2, "share": 2 / 3}
    assert run("values", "level").stdout.splitlines() == [
        "level  records  share",
        "INFO         2  66.7%",
        "ERROR        1  33.3%",
    ]
    assert told(run("values", "user.id", "--json").stdout) == [{"value": 7, "records": 1, "share": 1.0}]
    assert told(run("values", "a b", "--json").stdout)[0]["value"] == 1.5
    assert [each["value"] for each in told(run("values", "status", "-q", "level=info", "--json").stdout)] == [
        200,
        "200",
    ]


def test_values_that_are_not_shown_are_told(run: Run, log: Path) -> None:
    """With how many records have them."""
    done = run("values", "message", "-n", "1")
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert rows == [["a", "1", "33.3%"], ["(2", "others)", "2", "66.7%"]]
    assert "others" not in run("values", "message", "-n", "all").stdout
    wrong = run("values", "message", "-n", "some")
    assert (wrong.returncode, "a number from 0 on, or all" in wrong.stderr) == (2, True)


def test_a_name_that_was_meant_is_told(run: Run, log: Path) -> None:
    """Seen to fail where nothing was said."""
    done = run("values", "statsu")
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean status?" in done.stderr
    assert "'unified-logger fields' lists them" in run("values", "zzzzzz").stderr
    assert run("values", "a`b").returncode == 2
