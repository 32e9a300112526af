"""One contender to a process: `pytest benches/comparison --contender ours`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from .started import Contender


def pytest_addoption(parser: pytest.Parser) -> None:
    """The contender, and how much to measure."""
    parser.addoption("--contender", default="ours")
    parser.addoption("--rounds", type=int, default=30, help="of a tight loop, at most")
    parser.addoption("--records", type=int, default=200_000, help="to write, at most; five times as many of ours")
    parser.addoption("--seconds", type=float, default=2.0, help="of paced calls")
    parser.addoption("--budget", type=float, default=1.0, help="seconds that any other bench takes, about")


@pytest.fixture(scope="session")
def module(request: pytest.FixtureRequest) -> ModuleType:
    """The contender's module."""
    return importlib.import_module(f"contenders.{request.config.getoption('--contender')}")


@pytest.fixture(scope="session")
def started(module: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Contender:
    """The contender, started once for the process."""
    return Contender(module, tmp_path_factory.mktemp("logs"))


@pytest.fixture
def contender(started: Contender, benchmark: Any) -> Iterator[Contender]:
    """The started contender; the lines it wrote are counted and noted after each bench."""
    yield started
    benchmark.extra_info.update(started.counted())
    assert started.surplus <= 0, "more lines than records"
