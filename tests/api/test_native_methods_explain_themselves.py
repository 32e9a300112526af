"""`help`, IPython's `?` and `inspect.signature` know the native logging methods."""

from __future__ import annotations

import ast
import inspect
import pydoc
from importlib.resources import files
from unittest.mock import create_autospec

import pytest

from unified_logger import UnifiedLogger, _core, get_logger

METHODS = ("debug", "info", "warning", "error", "critical", "exception", "log")
FIRST = "message='', /, *args, exc_info={}, stack_info=False, stacklevel=1, extra=None, **fields"


def stub(method: str) -> list[ast.FunctionDef]:
    """The definitions of a method in the stub."""
    tree = ast.parse((files("unified_logger") / "_core.pyi").read_text(encoding="utf-8"))
    [logger] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Logger"]
    return [node for node in logger.body if isinstance(node, ast.FunctionDef) and node.name == method]


@pytest.mark.parametrize("bound", [False, True], ids=["a logger", "a bound logger"])
@pytest.mark.parametrize("method", METHODS)
def test_a_method_has_a_signature(method: str, bound: bool) -> None:
    """With its defaults. Seen to fail (no signature found) before."""
    logger = get_logger("shop").bind(tenant="t-1") if bound else get_logger("shop")
    parameters = FIRST.format(method == "exception" or None)
    level = "level=Ellipsis, " if method == "log" else ""
    assert str(inspect.signature(getattr(logger, method))) == f"({level}{parameters})"


@pytest.mark.parametrize("method", METHODS)
def test_a_method_says_what_the_stub_says(method: str) -> None:
    """Word for word, with each parameter."""
    said = inspect.getdoc(getattr(UnifiedLogger, method))
    assert said is not None
    first = stub(method)[0]
    assert said.rstrip() == (ast.get_docstring(first) or "").rstrip()
    named = [argument.arg for argument in (*first.args.posonlyargs[1:], *first.args.kwonlyargs)]
    assert [name for name in (*named, "*args", "**fields") if f"\n    {name}: " not in said] == []


def test_help_shows_both() -> None:
    """As for a function of Python."""
    shown = pydoc.plain(pydoc.render_doc(get_logger("shop").info))
    assert "info(message='', /, *args, exc_info=None" in shown
    assert "stacklevel: Which caller the record names" in shown


def test_a_mock_of_a_logger_takes_what_the_logger_takes() -> None:
    """Also levels and messages by name."""
    mock = create_autospec(get_logger("shop"))
    mock.info("received %s", "order", order_id=7, exc_info=True)
    mock.info(msg="by name", level=3)
    mock.log(20, "at a level", level=3, order_id=7)
    mock.log(level=20, msg="by name")
    assert mock.info.call_count == 2


@pytest.mark.parametrize("kind", [_core.Logger, _core.Context, _core.Redaction, _core.LogFile])
def test_native_classes_say_what_they_are(kind: type) -> None:
    """And so do their own attributes and methods."""
    assert inspect.getdoc(kind)
    assert inspect.signature(kind)
