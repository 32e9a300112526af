"""Programs under the shim that counts allocations and forbids system calls."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

# What every program begins with: an engine at work, and a request's context.
BEGIN = """
import json, os, sys
import callpath
from unified_logger import LoggingContext, flush_logging, get_logger, init_logging

init_logging(log_dir="logs", console_format="off", max_bytes=0, queue_size=200_000, black_box_bytes=64 << 20)
logger = get_logger("wechat_backend.api")
LoggingContext(trace_id="abc-123-xyz", span_id="def-456", user="user_001").__enter__()
"""


@pytest.fixture(scope="session")
def counting_shim(build_shim: Callable[[str], Path]) -> Path:
    """The library to preload that counts what each thread allocates."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("the shim stands before the allocator of glibc")
    return build_shim("callpath/shim.c")


@pytest.fixture
def run_counted(
    counting_shim: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run_python` for a program that goes on from `BEGIN`, with Python's objects among what is counted."""
    here = str(Path(__file__).parent)

    def run_counted(code: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {"LD_PRELOAD": str(counting_shim), "PYTHONMALLOC": "malloc", "PYTHONPATH": here}
        return run_python(BEGIN + code, *arguments, check=check, **environment)

    return run_counted
