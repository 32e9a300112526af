"""Importing the package does next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_importing_starts_no_thread(run_python: Callable[..., Any]) -> None:
    """After the import the process has the one thread that it had before."""
    code = "import threading, unified_logger; print(threading.active_count())"
    assert run_python(code).stdout == "1\n"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="native threads are counted by /proc")
def test_importing_starts_no_native_thread(run_python: Callable[..., Any]) -> None:
    """The native module starts no thread of its own at import."""
    code = "import os, unified_logger; print(len(os.listdir('/proc/self/task')))"
    assert run_python(code).stdout == "1\n"


def test_importing_writes_nothing(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """The import makes no file and prints nothing."""
    done = run_python("import unified_logger")
    assert (done.stdout, done.stderr) == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["program_0.py"]


@pytest.mark.parametrize(
    "module",
    [
        "typing",
        "inspect",
        "dataclasses",
        "json",
        "logging.handlers",
        "pathlib",
        "yaml",
        "asyncio",
        "multiprocessing",
        "unittest",
        "numpy",
        "pydantic",
        "flask",
        "typing_extensions",
        "unified_logger.typing",
    ],
)
def test_importing_brings_no_heavy_module(module: str, run_python: Callable[..., Any]) -> None:
    """Modules that only some programs need are not imported with the package, unless `logging` brings them: that of 3.14 does."""
    code = f"import sys, logging; had = {module!r} in sys.modules; import unified_logger; print(had, {module!r} in sys.modules)"
    had, has = run_python(code).stdout.split()
    assert has == had


def test_importing_leaves_logging_as_it_was(run_python: Callable[..., Any]) -> None:
    """The root logger's level and handlers are the same before and after."""
    code = """
import logging
before = (logging.getLogger().level, logging.getLogger().handlers[:], logging.getLoggerClass())
import unified_logger
assert before == (logging.getLogger().level, logging.getLogger().handlers[:], logging.getLoggerClass())
"""
    run_python(code)
