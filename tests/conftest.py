"""Shared fixtures: logging into a directory of the test's own, its records read back, and a clean process after it."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kinds import Record, Records

import unified_logger
from unified_logger import UnifiedLogger, flush_logging, get_logger, init_logging, shutdown_logging

PROJECT = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Refuse to test the source tree: what users install is the wheel. Let Ctrl-C reach what the tests start."""
    # A shell has its background jobs ignore it, and children inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if Path(unified_logger.__file__).is_relative_to(PROJECT / "python"):
        raise pytest.UsageError("the tests run on the installed wheel, not on python/: use `make test`")


@pytest.fixture(scope="session")
def project() -> Path:
    """The top of the project."""
    return PROJECT


@pytest.fixture
def log_dir(tmp_path: Path) -> Path:
    """A directory for log files that does not exist yet."""
    return tmp_path / "logs"


@pytest.fixture
def start(log_dir: Path) -> Callable[..., Any]:
    """`init_logging` into `log_dir`; takes the same options."""

    def start(**options: Any) -> Any:
        return init_logging(**{"log_dir": str(log_dir), **options})

    return start


@pytest.fixture(params=["engine", "fallback handlers"])
def mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Both ways to write; the native core is back afterwards."""
    monkeypatch.setenv("USE_UNIFIED_LOGGING", "true" if request.param == "engine" else "false")
    yield request.param
    monkeypatch.delenv("USE_UNIFIED_LOGGING")
    init_logging(log_dir=str(tmp_path / "after"), console_format="off")


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, whose handlers are those from before after the test."""
    logger = logging.getLogger()
    before = list(logger.handlers)
    yield logger
    logger.handlers[:] = before


@pytest.fixture
def logger(start: Callable[..., Any]) -> UnifiedLogger:
    """A logger called `app` of a process that has just called `init_logging`."""
    start()
    return get_logger("app")


@pytest.fixture
def records(log_dir: Path) -> Records:
    """`records(name="app.log")`: what is in that file after a flush, one mapping per line; a missing file is empty."""

    def records(name: str = "app.log") -> list[Record]:
        assert flush_logging(30.0)
        return read_records(log_dir / name)

    return records


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program in a new interpreter whose working directory is `tmp_path`.

    `run_python(code, *arguments, check=True, timeout=60, **environment)`; the program finds the installed wheel.
    """

    def run_python(
        code: str, *arguments: str, check: bool = True, timeout: float = 60, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        script = tmp_path / f"program_{len(list(tmp_path.glob('program_*.py')))}.py"
        script.write_text(code, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(script), *arguments],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        assert not check or done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run_python


def read_records(file: Path) -> list[Record]:
    """The records of one file; every line must be one JSON object."""
    if not file.exists():
        return []
    text = file.read_text(encoding="utf-8")
    assert text == "" or text.endswith("\n"), f"{file.name} ends in the middle of a line"
    parsed = [json.loads(line) for line in text.split("\n")[:-1]]
    assert all(isinstance(record, dict) for record in parsed)
    return parsed


@pytest.fixture(autouse=True)
def _clean_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test an environment without settings of ours and take back what it changed in `logging`."""
    for name in list(os.environ):
        if name.startswith(("LOG_", "UNIFIED_LOGGER_")) or name == "USE_UNIFIED_LOGGING":
            monkeypatch.delenv(name)
    before = _stdlib_state()
    yield
    get_logger("tests").clear_trace_context()
    shutdown_logging()
    _restore_stdlib(before)


State = dict[str, tuple[int, bool, bool, list[logging.Handler], list[Any]]]


def _stdlib_state() -> State:
    return {
        logger.name: (logger.level, logger.propagate, logger.disabled, logger.handlers[:], logger.filters[:])
        for logger in _stdlib_loggers()
    }


def _restore_stdlib(before: State) -> None:
    logging.disable(logging.NOTSET)
    for logger in _stdlib_loggers():
        level, propagate, disabled, handlers, filters = before.get(logger.name, (logging.NOTSET, True, False, [], []))
        if logger.level != level:  # It clears what all loggers remember.
            logger.setLevel(level)
        logger.propagate, logger.disabled = propagate, disabled
        logger.handlers[:], logger.filters[:] = handlers, filters


def _stdlib_loggers() -> list[logging.Logger]:
    named = [item for item in logging.Logger.manager.loggerDict.values() if isinstance(item, logging.Logger)]
    return [logging.getLogger(), *named]


@pytest.fixture(scope="session")
def build_shim(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`build_shim(source)`: the library to preload that is made of a C file below tests/."""
    if not sys.platform.startswith("linux"):
        pytest.skip("shims are for Linux")
    compiler = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if compiler is None:
        pytest.skip("there is no C compiler to build a shim with")

    def build_shim(source: str) -> Path:
        built = tmp_path_factory.mktemp("shim") / "shim.so"
        flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra"]
        command = [compiler, *flags, "-o", str(built), str(PROJECT / "tests" / source), "-ldl"]
        subprocess.run(command, check=True, timeout=120)
        return built

    return build_shim


@pytest.fixture(scope="session")
def shim(build_shim: Callable[[str], Path]) -> Path:
    """The library to preload that makes calls on log files fail."""
    return build_shim("support/faults/shim.c")


@pytest.fixture
def run_faulty(shim: Path, log_dir: Path, tmp_path: Path, run_python: Any) -> Callable[..., Any]:
    """`run_python` with the shim over `log_dir`, named `logs` there; the program imports `faults` to use it. `also`: another shim."""
    control = tmp_path / "control"
    control.write_bytes(bytes(4096))

    def run_faulty(
        code: str, *arguments: str, also: Path | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = run_python(
            code,
            *arguments,
            LD_PRELOAD=str(shim) if also is None else f"{shim}:{also}",
            FAULTS_CONTROL=str(control),
            FAULTS_DIRECTORY=str(log_dir),
            PYTHONPATH=str(PROJECT / "tests" / "support" / "faults"),
            **options,
        )
        return done

    return run_faulty


@pytest.fixture
def numbers(log_dir: Path) -> Callable[..., list[int]]:
    """`numbers(name="app.log")`: the field `number` of all records in a file and its rotated ones, oldest first."""

    def numbers(name: str = "app.log") -> list[int]:
        rotated = sorted(log_dir.glob(f"{name}.*"), key=lambda file: -int(file.name.rpartition(".")[2]))
        found = [record for file in (*rotated, log_dir / name) for record in read_records(file)]
        return [record["number"] for record in found if "number" in record]

    return numbers
