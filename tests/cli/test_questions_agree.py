"""Random questions have the answers that DuckDB gives, and that jq gives for filters."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from unified_logger import _core

duckdb = pytest.importorskip("duckdb")

# `make test-all` asks more of them.
QUESTIONS = int(os.environ.get("UNIFIED_LOGGER_QUESTIONS", "1500"))
LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
TEXTS = ["eu", "us", "cn", "订单", 'a "b"', "tab\there", "", "500", "true", "/pay", "x" * 300]
COLUMNS = "{level: 'VARCHAR', whole: 'BIGINT', real: 'DOUBLE', word: 'VARCHAR', flag: 'BOOLEAN', user: 'STRUCT(id BIGINT, name VARCHAR)'}"


def lines(chance: random.Random, count: int) -> list[dict[str, Any]]:
    """Records of which each field may be missing or null."""
    found = []
    for number in range(count):
        record: dict[str, Any] = {
            "timestamp": f"2026-02-19T10:{number // 60 % 60:02}:{number % 60:02}.000000+00:00",
            "level": chance.choice([*LEVELS]),
            "message": f"m {number}",
            "whole": chance.randrange(-20, 20),
            "real": round(chance.uniform(-5, 5), chance.randrange(4)),
            "word": chance.choice(TEXTS),
            "flag": chance.random() < 0.5,
            "user": {"id": chance.randrange(5), "name": chance.choice(TEXTS)},
        }
        for key in ("whole", "real", "word", "flag", "user"):
            if chance.random() < 0.15:
                del record[key]
            elif chance.random() < 0.05:
                record[key] = None
        found.append(record)
    return found


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def in_sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# The same condition for us, for SQL and for jq. Nothing holds of a field that is missing.
Said = tuple[str, str, str]
NUMBERS = {"whole": ("whole", ".whole"), "real": ("real", ".real"), "user.id": ("user.id", ".user.id?")}
WORDS = {"word": ("word", ".word"), "user.name": ("user.name", ".user.name?")}


def condition(chance: random.Random, depth: int = 0) -> Said:
    kind = chance.randrange(9 if depth < 3 else 6)
    if kind == 0:
        name, sign = chance.choice([*NUMBERS]), chance.choice(["=", "!=", "<", "<=", ">", ">="])
        value = chance.choice([str(chance.randrange(-20, 20)), f"{chance.uniform(-5, 5):.2f}"])
        sql, jq = NUMBERS[name]
        ours = sign if sign != "=" else chance.choice(["=", "=="])
        sign_of_jq = {"=": "==", "!=": "!="}.get(sign, sign)
        return (
            f"{name}{ours}{value}",
            f"coalesce({sql} {sign} {value}, false)",
            f"({jq} | . != null and . {sign_of_jq} {value})",
        )
    if kind == 1:
        name, sign = chance.choice([*WORDS]), chance.choice(["=", "!=", "<", ">="])
        value = chance.choice(TEXTS)
        sql, jq = WORDS[name]
        return (
            f"{name} {sign} {quoted(value)}",
            f"coalesce({sql} {sign} {in_sql(value)}, false)",
            f"({jq} | . != null and . {'==' if sign == '=' else sign} {json.dumps(value)})",
        )
    if kind == 2:
        sign, level = chance.choice(["=", "!=", "<", "<=", ">", ">="]), chance.choice([*LEVELS])
        number = f"map {{{', '.join(f'{in_sql(name)}: {value}' for name, value in LEVELS.items())}}}[level]"
        return (
            f"level {sign} {chance.choice([level, level.lower(), str(LEVELS[level])])}",
            f"({number} {sign} {LEVELS[level]})",
            f"({json.dumps(LEVELS)}[.level] {'==' if sign == '=' else sign} {LEVELS[level]})",
        )
    if kind == 3:
        name = chance.choice(["whole", "word", "flag", "user.id"])
        return f"{name} exists", f"({name} is not null)", f"(.{name}? != null)"
    if kind == 4:
        values = chance.sample(TEXTS, chance.randrange(1, 4))
        is_not = chance.random() < 0.3
        return (
            f"word {'not ' if is_not else ''}in ({', '.join(map(quoted, values))})",
            f"coalesce(word {'not ' if is_not else ''}in ({', '.join(map(in_sql, values))}), false)",
            f"(.word | . != null and (IN({', '.join(map(json.dumps, values))}){' | not' if is_not else ''}))",
        )
    if kind == 5:
        truth = chance.choice(["true", "false"])
        return f"flag = {truth}", f"coalesce(flag = {truth}, false)", f"(.flag == {truth})"
    one = condition(chance, depth + 1)
    if kind == 6:
        return f"not ({one[0]})", f"(not {one[1]})", f"({one[2]} | not)"
    other, word = condition(chance, depth + 1), chance.choice(["and", "or"])
    return tuple(f"({a} {word} {b})" for a, b in zip(one, other, strict=True))  # type: ignore[return-value]


AGGREGATES = {
    "count": "count(*)",
    "count of word": "count(word)",
    "distinct word": "count(distinct word)",
    "sum of whole": "sum(whole)",
    "avg(real)": "avg(real)",
    "min whole": "min(whole)",
    "max of real": "max(real)",
    "median real": "quantile_cont(real, 0.5)",
    "p90 of whole": "quantile_cont(whole, 0.9)",
}
KEYS = {"level": "level", "word": "word", "flag": "flag", "user.id": "user.id", "1m": "date_trunc('minute', time)"}


def same(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)) and not isinstance(one, bool):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)


def answer(question: str, directory: Path) -> tuple[list[bytes], list[list[Any]]]:
    """The lines and the rows."""
    query = _core.Query(question, True, [])
    start, end, level, logger, trace, text = query.hints
    files = _core.LogFiles(
        str(directory),
        ["app.log"],
        (start, end),
        level,
        [],
        [logger] if logger else [],
        trace,
        text,
        [],
        False,
        None,
        [query],
        False,
    )
    found: list[bytes] = []
    is_last = False
    while not is_last:
        out, is_last, _ = query.ask(files, 0)
        found += out
    return found + query.last_lines(), query.table()[1]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("logs")
    texts = [
        json.dumps(record, ensure_ascii=number % 2 == 0) for number, record in enumerate(lines(random.Random(5), 400))
    ]
    (directory / "app.log").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return directory


def test_they_agree_with_duckdb(directory: Path) -> None:
    """Filters, groups, aggregates and their values. Seen to fail with `!=` true for what is missing."""
    data = duckdb.connect()
    data.execute(
        f"create table records as select *, cast(timestamp as timestamp) as time from read_ndjson('{directory / 'app.log'}', "
        f"columns={{timestamp: 'VARCHAR', {COLUMNS[1:]})"
    )
    chance = random.Random(11)
    wrong = []
    for _ in range(QUESTIONS):
        ours, sql, _ = condition(chance)
        names = chance.sample([*AGGREGATES], chance.randrange(1, 3))
        keys = chance.sample([*KEYS], chance.randrange(3))
        question = f"{ours} | {', '.join(names)}" + (f" by {', '.join(keys)}" if keys else "")
        chosen = ", ".join([*(KEYS[key] for key in keys), *(AGGREGATES[name] for name in names)])
        grouped = f" group by {', '.join(str(number + 1) for number in range(len(keys)))}" if keys else ""
        expected = data.execute(f"select {chosen} from records where {sql}{grouped}").fetchall()
        found = [
            tuple(value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value for value in row)
            for row in answer(question, directory)[1]
        ]
        if len(found) != len(expected):
            wrong.append((question, len(found), len(expected)))
            continue
        known = {row[: len(keys)]: row[len(keys) :] for row in expected}
        for row in found:
            others = known.get(row[: len(keys)], ())
            if len(others) != len(names) or not all(map(same, row[len(keys) :], others)):
                wrong.append((question, row, others))
    assert wrong == []


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_filters_agree_with_jq(directory: Path) -> None:
    """All of them in one program: it prints for each question which lines fit."""
    chance = random.Random(17)
    said = [condition(chance) for _ in range(200)]
    program = ", ".join(f"({jq})" for _, _, jq in said)
    text = (directory / "app.log").read_text(encoding="utf-8")
    command = ["jq", "-c", f"[{program}]"]
    rows = subprocess.run(command, input=text, capture_output=True, text=True, timeout=300, check=True).stdout
    fits = [json.loads(row) for row in rows.splitlines()]
    raw = text.splitlines()
    wrong = []
    for number, (ours, _, jq) in enumerate(said):
        expected = [line for line, fit in zip(raw, fits, strict=True) if fit[number]]
        found = [line.decode() for line in answer(ours, directory)[0]]
        if found != expected:
            wrong.append((ours, jq, len(found), len(expected)))
    assert wrong == []
