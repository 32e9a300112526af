"""What a call needs of Python's modules is imported once, and what leads nowhere is not asked for again."""

from __future__ import annotations

import builtins
import logging
import sys
from collections import UserDict
from collections.abc import Callable
from typing import Any

import pytest

from unified_logger import UnifiedLogger, flush_logging, get_logger

Imports = Callable[[Callable[[], object]], list[str]]


@pytest.fixture
def imports(monkeypatch: pytest.MonkeyPatch) -> Imports:
    """`imports(act)`: the modules that the second of two calls asks for."""

    def imports(act: Callable[[], object]) -> list[str]:
        act()
        asked: list[str] = []
        stock = builtins.__import__

        def note(name: str, *args: Any) -> Any:
            asked.append(name)
            return stock(name, *args)

        with monkeypatch.context() as patch:
            patch.setattr(builtins, "__import__", note)
            act()
        return asked

    return imports


@pytest.mark.parametrize(
    "act",
    [
        lambda: get_logger("app").info("m", extra=UserDict(a=1)),
        lambda: logging.getLogger("theirs").info("m %s", UserDict(a=1)),
    ],
    ids=["extra", "stdlib"],
)
def test_the_class_of_mappings(start: Callable[..., object], imports: Imports, act: Callable[[], object]) -> None:
    """Seen to fail with an import at each call that meets a mapping."""
    start(native_stdlib=True, console_format="off")
    assert imports(act) == []


@pytest.mark.parametrize("console_format", ["text", "json"])
def test_no_standard_error(
    start: Callable[..., object], imports: Imports, monkeypatch: pytest.MonkeyPatch, console_format: str
) -> None:
    """With `sys.stderr = None` a call asks `sys` for nothing. Seen to fail with a line that was made each time."""
    start(console_format=console_format)
    monkeypatch.setattr(sys, "stderr", None)
    logger: UnifiedLogger = get_logger("app")
    assert imports(lambda: logger.error("m", number=1)) == []
    assert flush_logging(30)
