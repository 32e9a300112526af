"""Texts for people mark the expression that failed, as `traceback` does; what machines read has no such lines."""

from __future__ import annotations

import importlib.util
import io
import json
import linecache
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unified_logger import _core, get_logger, init_logging

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="code has no columns")
# From 3.13 on, calls are marked in another way, and some are not marked any more.
same_marks = pytest.mark.skipif(sys.version_info[:2] not in ((3, 11), (3, 12)), reason="other rules")


def _corpus() -> list[Callable[[], None]]:
    spec = importlib.util.spec_from_file_location("exception_corpus", Path(__file__).with_name("exception_corpus.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: list[Callable[[], None]] = module.corpus()
    return found


Show = Callable[[BaseException], str]


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Show:
    """What the console shows of an exception, without the marks of lines that go on."""
    init_logging(log_dir=None, console="stderr", console_format="text", exceptions={"library_frames": "keep"})

    def shown(error: BaseException) -> str:
        stream = io.StringIO()
        with monkeypatch.context() as replaced:
            replaced.setattr(sys, "stderr", stream)
            get_logger("app").error("failed", exc_info=error)
        lines = stream.getvalue().splitlines()[1:]
        assert all(line.startswith("  │") for line in lines)
        return "".join(f"{line[4:]}\n" for line in lines)

    return shown


def raised(function: Callable[[], Any]) -> BaseException:
    """What a function raises."""
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def of_source(source: str, file: Path) -> BaseException:
    """What the function `f` of a source raises, which stands in a file of its own."""
    file.write_text(source, encoding="utf-8")
    names: dict[str, Any] = {}
    exec(compile(source, str(file), "exec"), names)
    return raised(names["f"])


EXPRESSIONS = [
    "total = order['price'] / (count - count)",
    "return rows[0]['name'][key]",
    "return len(rows) + sum(row.price for row in rows)",
    "return -rows",
    "return rows ** 2 ** 3",
    "rows[9]",
    "rows + 1",
    "missing",
    "return missing",
    "assert rows == [], 'text'",
    "raise ValueError('x') from None",
    "return [row.name for row in rows]",
    "return f'{rows[9]} {{' + 'x'",
    "return 'a + b' % rows + missing",
    "return int('你好', count / (1 - 1))",
    "return {'名': rows}['号'] + 1",
    "a, b = rows",
    "count += rows",
    "rows[9] = 1",
    "return (lambda: 1 + missing if rows @ rows else 2)()",
    "return rows.real + 1",
    "return 1e-5 + rows",
    "return not rows + 1",
]


@same_marks
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_marks_are_those_of_traceback(show: Show, tmp_path: Path, expression: str) -> None:
    """In their place, also below wide characters."""
    source = f"def f():\n    order, rows, count, key = {{'price': 1}}, [{{}}], 1, 'k'\n    {expression}\n"
    error = of_source(source, tmp_path / "shop.py")
    assert show(error) == "".join(traceback.format_exception(error))


@same_marks
@pytest.mark.parametrize("function", _corpus(), ids=lambda function: function.__name__)
def test_whatever_is_raised_has_the_marks_of_traceback(show: Show, function: Callable[[], None]) -> None:
    """Chains, groups, syntax errors; texts in which characters act are shown otherwise."""
    error = raised(function)
    expected = "".join(traceback.format_exception(error))
    if not all(character.isprintable() or character == "\n" for character in expected):
        pytest.skip("shown as escapes")
    shown, expected = ([line.rstrip() for line in text.rstrip().split("\n")] for text in (show(error), expected))
    assert shown == expected


def test_an_expression_on_several_lines_is_marked_where_it_begins(show: Show, tmp_path: Path) -> None:
    """As far as that version of Python shows its lines."""
    source = "def f():\n    return 1 + int(\n        'x'\n    )\n"
    error = of_source(source, tmp_path / "shop.py")
    assert show(error) == "".join(traceback.format_exception(error))
    assert "^^^^" in show(error)


def test_code_that_is_in_no_file_has_marks(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells of notebooks: Python finds their lines."""
    source = "def f():\n    x = [1]\n    return x[0] + x[9]\n"
    monkeypatch.setitem(linecache.cache, "<cell-1>", (len(source), None, source.splitlines(True), "<cell-1>"))
    names: dict[str, Any] = {}
    exec(compile(source, "<cell-1>", "exec"), names)
    error = raised(names["f"])
    assert "    return x[0] + x[9]\n                  ~^^^\n" in show(error)


def test_what_machines_read_has_no_marks(show: Show, tmp_path: Path) -> None:
    """Neither in the traceback nor in the code of frames."""
    error = of_source("def f():\n    x = [1]\n    return x[0] + x[9]\n", tmp_path / "shop.py")
    assert "~^^^" in show(error)
    parsed = json.loads(_core.exception_json(error))
    assert "^" not in json.dumps(parsed)
    assert parsed["frames"][-1]["code"] == "return x[0] + x[9]"
    multiple = raised(lambda: compile("a = (1,\nb = ]", "<text>", "exec"))
    assert "^" in show(multiple)
    assert "^" not in _core.format_exception(multiple)


def test_marks_below_a_line_that_was_redacted_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They would mark something else. Other lines keep theirs."""
    init_logging(log_dir=None, console="stderr", console_format="text", redaction=True)
    source = "def g(password):\n    return [][9] + 1\ndef f():\n    return 1 + g(password='hunter2-secret') + 2\n"
    error = of_source(source, tmp_path / "shop.py")
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    get_logger("app").error("failed", exc_info=error)
    shown = stream.getvalue()
    assert "hunter2" not in shown
    lines = [line[4:].strip() for line in shown.splitlines()]
    assert lines[lines.index("return [][9] + 1") + 1] == "~~^^^"
    [secret] = [index for index, line in enumerate(lines) if line.startswith("return 1 + g(")]
    assert not lines[secret + 1].startswith(("~", "^"))
